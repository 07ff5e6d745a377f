from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from console.dashboard.snapshot import clear_snapshots
from executions.access.groups import make_groups

ROLES = ("anonymous", "stranger", "viewer", "operator", "deployer", "superuser")
"""A stranger may log in, and is in no group."""


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
            if role not in ("stranger", "superuser"):
                user.groups.add(Group.objects.get(name=role))
            browser.force_login(user)
        return browser

    return client


@pytest.fixture
def operator(client_of: Callable[[str], Client]) -> Client:
    """The browser of an operator."""
    return client_of("operator")
