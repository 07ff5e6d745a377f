"""Databases of older versions: groups as this program made them follow, others keep what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User

from executions.access.groups import make_groups
from executions.access.scopes import ROLES

pytestmark = pytest.mark.django_db

INSIGHTS = {"view_payload", "view_source"}
FORMERLY = {
    "viewer": {"api_read"},
    "operator": {"api_read", "api_submit", "api_operate"},
    "deployer": {"api_read", "api_submit", "api_operate", "api_deploy"},
}


def migrate() -> None:
    import_module("executions.migrations.0013_roles_apart_and_rights_to_see").follow(apps, None)


def make_group(name: str, codenames: Iterable[str]) -> Group:
    group = Group.objects.get_or_create(name=name)[0]
    group.permissions.set(Permission.objects.filter(codename__in=codenames))
    return group


def codenames_of(group: Group) -> set[str]:
    return set(group.permissions.values_list("codename", flat=True))


@pytest.fixture(autouse=True)
def formerly() -> None:
    make_groups()
    for name, codenames in FORMERLY.items():
        make_group(name, codenames)


def test_groups_that_nobody_changed_are_as_new_ones() -> None:
    migrate()

    for name, rights in ROLES.items():
        assert codenames_of(Group.objects.get(name=name)) == {right.codename for right in rights}


def test_what_people_made_otherwise_may_do_what_it_did() -> None:
    make_group("deployer", {"api_read", "api_submit", "api_deploy"})
    make_group("deployers", FORMERLY["deployer"])
    make_group("finance", {"view_user"})
    migrate()

    assert codenames_of(Group.objects.get(name="deployer")) == {"api_read", "api_submit", "api_deploy"} | INSIGHTS
    assert codenames_of(Group.objects.get(name="deployers")) == FORMERLY["deployer"] | INSIGHTS
    assert codenames_of(Group.objects.get(name="finance")) == {"view_user"}


def test_whoever_could_read_by_themselves_still_sees_values() -> None:
    ann, bob = User.objects.create_user("ann"), User.objects.create_user("bob")
    ann.user_permissions.add(Permission.objects.get(codename="api_read"))
    migrate()

    assert set(ann.user_permissions.values_list("codename", flat=True)) == {"api_read"} | INSIGHTS
    assert not bob.user_permissions.exists()
