from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0009_remember_who_operated"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                fields=["deployment_id", "result_kind"],
                condition=models.Q(("status", "finished"), ("parent__isnull", True)),
                name="execution_ended",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                fields=["deployment_id", "result_kind"],
                condition=models.Q(("status", "finished"), ("parent__isnull", False)),
                name="execution_ended_below",
            ),
        ),
    ]
