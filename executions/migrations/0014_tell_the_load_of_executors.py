from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0013_roles_apart_and_rights_to_see"),
    ]

    operations = [
        migrations.AddField(
            model_name="executorheartbeat",
            name="version",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="executorheartbeat",
            name="cpu_percent",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="executorheartbeat",
            name="rss_bytes",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="executorheartbeat",
            name="threads",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
