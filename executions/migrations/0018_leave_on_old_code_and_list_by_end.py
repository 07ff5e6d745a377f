from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0017_ways_of_postgresql"),
    ]

    operations = [
        migrations.AddField(
            model_name="rehearsalreport",
            name="left",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("status", "finished"), ("parent__isnull", True)),
                fields=["due_at", "result_kind"],
                name="execution_ended_at",
            ),
        ),
    ]
