from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import executions.instants
import executions.row_ids


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0004_remember_where_calls_are_made"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("id", executions.row_ids.RowIdField(primary_key=True, serialize=False)),
                ("ffqn", models.TextField()),
                ("signal_id", models.TextField(blank=True, null=True)),
                ("created_at", executions.instants.InstantField()),
                ("retval", models.TextField()),
                ("is_delivered", models.BooleanField()),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mail",
                        to="executions.execution",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "mail",
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_delivered", False)),
                        fields=["execution", "ffqn", "id"],
                        name="mail_waiting",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("signal_id__isnull", False)),
                        fields=("execution", "signal_id"),
                        name="mail_signal_unique",
                    )
                ],
            },
        ),
    ]
