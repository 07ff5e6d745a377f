"""The columns of the list that people may want: chosen in the address, else as they last chose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from console.access import needs, person_id
from console.executions.filters import without
from executions.access.scopes import Scope
from executions.models import ListColumns

COLUMNS: Final = {"labels": "Labels", "component": "Component", "deployment": "Deployment", "parent": "Parent"}
"""By their keys in addresses, in the order in which they stand."""


def columns_of(request: HttpRequest) -> tuple[str, ...]:
    """Return the keys of the columns that a page of the list has beside those that are always there."""
    if "columns" in request.GET:
        return known_columns(request.GET["columns"].split(","))
    kept = ListColumns.objects.filter(user_id=person_id(request)).first()
    return known_columns([] if kept is None else kept.columns)


def known_columns(keys: Iterable[str]) -> tuple[str, ...]:
    """Return those of some keys that there are columns of, in their order."""
    wanted = set(keys)
    return tuple(key for key in COLUMNS if key in wanted)


@needs(Scope.READ)
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep somebody's choice, and show the list with it."""
    columns = known_columns(request.POST.getlist("column"))
    ListColumns.objects.update_or_create(user_id=person_id(request), defaults={"columns": list(columns)})
    query = without(QueryDict(request.POST.get("query", "")), columns=",".join(columns))
    return redirect(reverse("admin:console_executions") + query)
