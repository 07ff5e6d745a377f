"""The components of a deployment, with what they export and import and who satisfies that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse

from components.config_codec import decode_config
from components.models import Component, Deployment, Function
from components.services import is_cron, load_cron
from console.access import needs
from console.code.kinds import Kind, kind_of
from console.code.links import ImportedInterface
from console.code.shown import Shown, shown
from console.code.unreadable import tells_what_is_unreadable
from console.pages import page
from engine.deployment.spec import ComponentType
from executions.access.scopes import Scope

MOST_SHOWN: Final = 500
_DEPLOYMENTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedComponent:
    """A row of the list.

    Args:
        row: The component.
        kind: What it is.
        url: Its page; ``None`` if it has none.
        functions: What it exports.
        imports: What it takes of other components.
        hosts: Where it may send requests.
        about: What starts it or where it answers, if nobody calls it.
    """

    row: Component
    kind: Kind
    url: str | None
    functions: list[Function]
    imports: list[ImportedInterface]
    hosts: tuple[str, ...]
    about: str


@needs(Scope.READ)
@tells_what_is_unreadable
def components(request: HttpRequest) -> HttpResponse:
    """Show the list."""
    found = shown(request)
    kind = request.GET.get("kind", "")
    text = request.GET.get("q", "").strip().lower()
    chosen = [
        (row, functions)
        for row, functions in found.rows
        if kind in ("", row.component_type) and _fits(row, functions, text)
    ]
    return page(
        request,
        "code/list.html",
        title="Components",
        shown=found,
        deployments=Deployment.objects.newest_first().defer("toml")[:_DEPLOYMENTS],
        kinds=[kind_of(each) for each in ComponentType],
        kind=kind,
        text=request.GET.get("q", ""),
        rows=[_listed(found, row, functions) for row, functions in chosen[:MOST_SHOWN]],
        count=len(chosen),
        most=MOST_SHOWN,
    )


def _fits(row: Component, functions: Iterable[Function], text: str) -> bool:
    if not text or text in row.name.lower() or row.digest.startswith(text):
        return True
    return any(text in function.ffqn.lower() or _mentions(function, text) for function in functions)


def _mentions(function: Function, text: str) -> bool:
    """Tell whether a function's types hold a text, such as the name of a field."""
    return text in function.return_type or any(
        text in param["name"] or text in param["wit_type"] for param in function.params
    )


def _listed(found: Shown, row: Component, functions: list[Function]) -> ListedComponent:
    if is_cron(row):
        cron = load_cron(row)
        return ListedComponent(
            row=row,
            kind=kind_of(ComponentType.CRON),
            url=None,
            functions=[],
            imports=[],
            hosts=(),
            about=f"{cron.schedule.text} {cron.schedule.timezone}: {cron.target}",
        )
    config = decode_config(row.config) if row.config else None
    return ListedComponent(
        row=row,
        kind=kind_of(ComponentType(row.component_type)),
        url=found.component_url(row),
        functions=functions,
        imports=[each for each in found.linking.imports(row) if each.by != "host" and each.functions],
        hosts=() if config is None else tuple(dict.fromkeys(rule.pattern for rule in config.allowed_hosts)),
        about=""
        if config is None or config.webhook is None
        else ", ".join(f"{' '.join(route.methods) or 'any'} {route.path or '/*'}" for route in config.webhook.routes),
    )
