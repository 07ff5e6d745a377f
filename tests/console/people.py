"""People of every role, logged in."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import AbstractUser, Group, User
from django.test import Client

ROLES: Final = ("anonymous", "viewer", "operator", "deployer", "superuser")


def make_person(name: str, *groups: str, is_superuser: bool = False) -> AbstractUser:
    """Somebody who may log in to the console, in some groups."""
    user = User.objects.create_user(name, password="x", is_staff=True, is_superuser=is_superuser)
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    return user


def client_of(user: AbstractUser) -> Client:
    """The browser of somebody who is logged in."""
    client = Client()
    client.force_login(user)
    return client


def client_with_role(role: str) -> Client:
    """The browser of somebody with a role; nobody is logged in for ``anonymous``."""
    if role == "anonymous":
        return Client()
    if role == "superuser":
        return client_of(make_person("sue", is_superuser=True))
    return client_of(make_person(f"the-{role}", role))
