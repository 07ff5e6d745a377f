from __future__ import annotations

from django.db import migrations, models

import executions.row_ids


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0006_tokens_of_the_api"),
    ]

    operations = [
        migrations.CreateModel(
            name="Label",
            fields=[
                ("id", executions.row_ids.RowIdField(primary_key=True, serialize=False)),
                ("execution_id", models.TextField()),
                ("name", models.TextField()),
                ("value", models.TextField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["name", "value", "execution_id"], name="label_value"),
                    models.Index(fields=["execution_id"], name="label_of_execution"),
                ],
            },
        ),
    ]
