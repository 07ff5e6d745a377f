from __future__ import annotations

from django.db import migrations, models

import executions.instants


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0002_find_failed_deliveries"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusedRequest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("first_at", executions.instants.InstantField()),
                ("last_at", executions.instants.InstantField()),
                ("count", models.PositiveBigIntegerField()),
                ("endpoint", models.TextField()),
                ("provider", models.TextField()),
                ("method", models.TextField()),
                ("path", models.TextField()),
                ("client", models.TextField()),
                ("status", models.PositiveSmallIntegerField()),
                ("code", models.TextField()),
                ("reason", models.TextField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["endpoint", "id"], name="refused_request_of_endpoint"),
                    models.Index(fields=["first_at"], name="refused_request_first"),
                    models.Index(fields=["last_at"], name="refused_request_last"),
                ],
            },
        ),
    ]
