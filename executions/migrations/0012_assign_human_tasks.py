from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("executions", "0011_keep_reports_of_rehearsals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TaskAssignment",
            fields=[
                ("execution_id", models.TextField(primary_key=True, serialize=False)),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="auth.group",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["user", "execution_id"], name="task_of_user"),
                    models.Index(fields=["group", "execution_id"], name="task_of_group"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(user__isnull=False, group__isnull=True) | Q(user__isnull=True, group__isnull=False),
                        name="task_assigned_to_one",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                fields=["created_at", "execution_id"],
                condition=~Q(status="finished") & Q(component_type="activity_stub"),
                name="execution_open_stub",
            ),
        ),
    ]
