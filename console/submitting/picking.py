"""The list of functions that can be started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse

from console.access import needs
from console.forms.making import short_type
from console.pages import page
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
    found = [listed(function) for function in submittable if _fits(str(function.name), wanted.split())]
    return page(
        request,
        "submitting/pick.html",
        title="Submit",
        functions=found[:_MOST_SHOWN],
        left_out=max(0, len(found) - _MOST_SHOWN),
        total=len(submittable),
        wanted=wanted,
    )


def _fits(name: str, words: Iterable[str]) -> bool:
    return all(word.lower() in name.lower() for word in words)


def listed(function: DeployedFunction) -> ListedFunction:
    """Return a function as the list shows it."""
    assert function.type.result is not None  # nothing else can be deployed
    return ListedFunction(
        ffqn=str(function.name),
        params=tuple((param.name, short_type(param.type)) for param in function.type.params),
        result=short_type(function.type.result),
        component=function.component.id.name,
        kind="workflow" if function.component.id.component_type is ComponentType.WORKFLOW else "activity",
    )
