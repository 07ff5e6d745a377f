"""The groups of people that the API knows, made with the database."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission

from executions.access.scopes import ROLES


def make_groups(**_signal: Any) -> None:
    """Make the groups that are missing; those that exist keep the permissions that people gave them."""
    for name, rights in ROLES.items():
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            codenames = [right.codename for right in rights]
            group.permissions.set(
                Permission.objects.filter(content_type__app_label="executions", codename__in=codenames)
            )
