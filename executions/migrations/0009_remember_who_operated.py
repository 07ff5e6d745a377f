from __future__ import annotations

from django.db import migrations, models

import executions.instants
import executions.row_ids


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0008_idempotency_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="OperationRecord",
            fields=[
                ("id", executions.row_ids.RowIdField(primary_key=True, serialize=False)),
                ("execution_id", models.TextField()),
                ("operation", models.TextField()),
                ("detail", models.TextField(blank=True)),
                ("actor", models.TextField()),
                ("reason", models.TextField(blank=True)),
                ("at", executions.instants.InstantField()),
            ],
            options={
                "indexes": [models.Index(fields=["execution_id", "id"], name="operation_of_execution")],
            },
        ),
    ]
