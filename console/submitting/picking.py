"""The list of functions that can be started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse

from console.access import needs
from console.forms.short_types import Names, short_type
from console.pages import page
from console.submitting.signatures import names_by_component
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import ComponentType
from executions.access.scopes import Scope
from executions.deployed import deployed_registry

_MOST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFunction:
    """A function as the list shows it.

    Args:
        ffqn: Its full name.
        params: Name and type of each.
        result: Its type.
        component: The name of its component.
        kind: What it is, in words.
    """

    ffqn: str
    params: tuple[tuple[str, str], ...]
    result: str
    component: str
    kind: str


@needs(Scope.SUBMIT)
def pick(request: HttpRequest) -> HttpResponse:
    """Show the functions that can be started, those whose names hold what is searched for."""
    wanted = request.GET.get("q", "").strip()
    submittable = [function for function in deployed_registry().all_functions() if function.is_submittable]
    found = [function for function in submittable if _fits(str(function.name), wanted.split())]
    shown = found[:_MOST_SHOWN]
    names = names_by_component(shown)
    return page(
        request,
        "submitting/pick.html",
        title="Submit",
        functions=[listed(function, names.get(function.component.id.name, {})) for function in shown],
        left_out=max(0, len(found) - _MOST_SHOWN),
        total=len(submittable),
        wanted=wanted,
    )


def _fits(name: str, words: Iterable[str]) -> bool:
    return all(word.lower() in name.lower() for word in words)


def listed(function: DeployedFunction, names: Names) -> ListedFunction:
    """Return a function as the list shows it; its types by these names."""
    assert function.type.result is not None  # nothing else can be deployed
    return ListedFunction(
        ffqn=str(function.name),
        params=tuple((param.name, short_type(param.type, names)) for param in function.type.params),
        result=short_type(function.type.result, names),
        component=function.component.id.name,
        kind="workflow" if function.component.id.component_type is ComponentType.WORKFLOW else "activity",
    )
