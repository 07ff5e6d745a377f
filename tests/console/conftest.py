from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from console.dashboard.snapshot import clear_snapshots
from console.seeing import showing
from executions.access.groups import make_groups
from executions.access.scopes import ROLES as RIGHTS_OF
from executions.access.scopes import Insight, Right, Scope

ROLES = ("anonymous", "stranger", "viewer", "operator", "deployer", "superuser")
"""A stranger may log in, and is in no group."""

EVERYBODY = (*ROLES, "blind viewer", "blind operator", "operator and deployer")
"""Who is blind sees no values and no source."""

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "stranger": (),
    "viewer": ("viewer",),
    "blind viewer": ("viewer",),
    "operator": ("operator",),
    "blind operator": ("operator",),
    "deployer": ("deployer",),
    "operator and deployer": ("operator", "deployer"),
    "superuser": (),
}


def rights_of(role: str) -> frozenset[Right]:
    """What somebody of a role may do and see."""
    if role == "superuser":
        return frozenset((*Scope, *Insight))
    rights = {right for group in _GROUPS.get(role, ()) for right in RIGHTS_OF[group]}
    return frozenset(rights - set(Insight) if role.startswith("blind") else rights)


@pytest.fixture(autouse=True)
def values_are_shown() -> Iterator[None]:
    """What is called outside of a view shows everything; views and sockets say themselves what they show."""
    with showing(frozenset(Insight)):
        yield


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What a process keeps for a second was of another test's database."""
    clear_snapshots()


@pytest.fixture
def client_of(db: None) -> Callable[[str], Client]:
    """Returns a browser of somebody of a role, logged in unless nobody is."""
    make_groups()

    def client(role: str) -> Client:
        browser = Client()
        if role != "anonymous":
            is_root = role == "superuser"
            user = User.objects.create_user(role, password="x", is_staff=True, is_superuser=is_root)
            for name in _GROUPS[role]:
                group = Group.objects.get(name=name)
                if role.startswith("blind"):
                    group = _blind(group)
                user.groups.add(group)
            browser.force_login(user)
        return browser

    return client


def _blind(group: Group) -> Group:
    blind = Group.objects.create(name=f"blind {group.name}")
    blind.permissions.set(group.permissions.exclude(codename__in=[insight.codename for insight in Insight]))
    return blind


@pytest.fixture
def operator(client_of: Callable[[str], Client]) -> Client:
    """The browser of an operator."""
    return client_of("operator")
