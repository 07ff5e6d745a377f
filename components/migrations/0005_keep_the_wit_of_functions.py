from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0004_name_the_files_of_components"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="componentfile",
            name="file_role_is_known",
        ),
        migrations.AddConstraint(
            model_name="componentfile",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["binary", "source", "backtrace_source", "wit_source"])),
                name="file_role_is_known",
            ),
        ),
    ]
