"""What names mean in the deployment that is active: functions, interfaces, types and components; and people."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.urls import reverse

from components.deployed_rows import authored_names
from components.interface_codec import decode_interfaces
from components.models import Component, Function
from console.code.shown import Shown, active
from console.finding.things import Found
from engine.errors import DeploymentError


def deployed(text: str, limit: int) -> Iterator[Found]:
    """Find functions, interfaces, types and components whose names hold a text, those that it names in full first."""
    shown = active()
    try:
        named = [*_functions(shown, text), *_components(shown, text), *_interfaces(shown, text)]
    except DeploymentError:
        # It was stored by another version; its own pages say so.
        return
    yield from sorted(named, key=lambda each: not each.is_exact)[:limit]


def people(text: str, limit: int) -> Iterator[Found]:
    """Find people by their names."""
    for user in User.objects.filter(username__icontains=text).order_by("username")[:limit]:
        url = reverse("admin:auth_user_change", args=[user.pk])
        about = user.get_full_name()
        yield Found(kind="person", name=user.username, url=url, about=about, is_exact=user.username == text)


def _functions(shown: Shown, text: str) -> Iterator[Found]:
    rows: list[tuple[Component, Function]] = [(row, each) for row, functions in shown.rows for each in functions]
    for row, function in rows:
        if text.lower() in function.ffqn.lower():
            interface = function.ffqn.rpartition(".")[0]
            url = f"{shown.wit_url(interface)}#{function.ffqn}"
            is_exact = text in (function.ffqn, function.ffqn.rpartition("/")[2], function.ffqn.rpartition(".")[2])
            yield Found(kind="function", name=function.ffqn, url=url, about=f"of {row.name}", is_exact=is_exact)


def _components(shown: Shown, text: str) -> Iterator[Found]:
    for row, _ in shown.rows:
        if text.lower() in row.name.lower() and shown.has_page(row):
            url = shown.component_url(row)
            about = row.component_type.replace("_", " ")
            yield Found(kind="component", name=row.name, url=url, about=about, is_exact=row.name == text)


def _interfaces(shown: Shown, text: str) -> Iterator[Found]:
    names: dict[str, set[str]] = {}
    for row, _ in shown.rows:
        for name in (*decode_interfaces(row.exports), *decode_interfaces(row.imports)):
            names.setdefault(str(name), set())
        for name in decode_interfaces(row.exports):
            names[str(name)].update(authored_names(row))
    for interface, types in names.items():
        if text.lower() in interface.lower():
            is_exact = text in (interface, interface.partition("@")[0])
            yield Found(kind="interface", name=interface, url=shown.wit_url(interface), is_exact=is_exact)
        yield from _types(shown, text, interface, types)


def _types(shown: Shown, text: str, interface: str, types: set[str]) -> Iterator[Found]:
    for each in sorted(types):
        full = f"{interface}.{each}"
        if text.lower() in each.lower() or text.lower() == full.lower():
            url = f"{shown.wit_url(interface)}#{full}"
            yield Found(kind="type", name=full, url=url, is_exact=text in (each, full))
