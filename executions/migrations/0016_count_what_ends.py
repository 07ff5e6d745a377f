from __future__ import annotations

from django.db import migrations, models

import executions.instants


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0015_run_batches_and_keep_views"),
    ]

    operations = [
        migrations.CreateModel(
            name="DatabaseSize",
            fields=[
                ("at", executions.instants.InstantField(primary_key=True, serialize=False)),
                ("size", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="RollUp",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("length_s", models.PositiveIntegerField()),
                ("start", executions.instants.InstantField()),
                ("ffqn", models.TextField()),
                ("outcome", models.TextField()),
                ("count", models.BigIntegerField()),
                ("run_us", models.BigIntegerField()),
                ("start_us", models.BigIntegerField()),
                ("runs", models.TextField()),
                ("starts", models.TextField()),
                ("last_event_id", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("length_s", "start", "ffqn", "outcome"), name="roll_up_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="RollUpCursor",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("event_id", models.BigIntegerField(default=0)),
                ("moved_at", executions.instants.InstantField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="roll_up_cursor_is_one")],
            },
        ),
    ]
