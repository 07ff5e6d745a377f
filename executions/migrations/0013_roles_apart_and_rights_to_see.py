"""Deployers do not operate any more; and to see values, and to see source, are rights of their own.

Groups that are as this program made them follow. What people made otherwise may do what it did. Whoever could read
could see values and source, and still can.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import migrations, models

import executions.instants

_INSIGHTS = {
    "view_payload": "See values: parameters, results, events, log lines, variables, bodies",
    "view_source": "See source code",
}
_DEPLOYER_WAS = {"api_read", "api_submit", "api_operate", "api_deploy"}
_DEPLOYER_LOSES = {"api_submit", "api_operate"}


def follow(apps: Any, _editor: Any) -> None:
    permissions = apps.get_model("auth", "Permission").objects
    reading = permissions.filter(content_type__app_label="executions", codename="api_read").first()
    if reading is None:
        # A database that is being made: its groups are made behind all migrations.
        return
    insights = [
        permissions.get_or_create(content_type_id=reading.content_type_id, codename=codename, defaults={"name": name})[
            0
        ]
        for codename, name in _INSIGHTS.items()
    ]
    deployer = apps.get_model("auth", "Group").objects.filter(name="deployer").first()
    if deployer is not None:
        has = deployer.permissions.values_list("content_type__app_label", "codename")
        if set(has) == {("executions", codename) for codename in _DEPLOYER_WAS}:
            deployer.permissions.remove(*deployer.permissions.filter(codename__in=_DEPLOYER_LOSES))
    for group in apps.get_model("auth", "Group").objects.filter(permissions=reading):
        group.permissions.add(*insights)
    for user in apps.get_model(settings.AUTH_USER_MODEL).objects.filter(user_permissions=reading):
        user.user_permissions.add(*insights)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("executions", "0012_assign_human_tasks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="apitoken",
            options={
                "permissions": [
                    ("api_read", "API: see executions, their logs and what is deployed"),
                    ("api_submit", "API: start executions"),
                    ("api_operate", "API: cancel, pause, answer and otherwise change executions"),
                    ("api_deploy", "API: submit and switch deployments"),
                    ("view_payload", "See values: parameters, results, events, log lines, variables, bodies"),
                    ("view_source", "See source code"),
                ]
            },
        ),
        migrations.AddIndex(
            model_name="operationrecord",
            index=models.Index(fields=["at", "id"], name="operation_at"),
        ),
        migrations.CreateModel(
            name="RetentionRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("started_at", executions.instants.InstantField()),
                ("took_ms", models.PositiveIntegerField()),
                ("deleted", models.PositiveIntegerField()),
                ("is_complete", models.BooleanField()),
            ],
        ),
        # Backwards nobody gets a right back that was taken: who is to have it is for people to say.
        migrations.RunPython(follow, migrations.RunPython.noop, elidable=True),
    ]
