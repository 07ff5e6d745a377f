"""Finding things by what people paste: ids, beginnings of ids, names of functions."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.dataclasses import SearchResult

from console.access import may, needs
from engine.log.ids import EXECUTION_PREFIX
from executions.access.scopes import Scope
from executions.models import Execution
from executions.operations.listing import ExecutionFilter, page_of

_MOST_RESULTS: Final = 8


@needs(Scope.READ)
def go(request: HttpRequest) -> HttpResponse:
    """Lead to what a text names: an execution, or the list of those whose id or function begins so."""
    text = request.GET.get("q", "").strip()
    if Execution.objects.filter(pk=text).exists():
        return redirect("admin:console_execution", text)
    name = "execution_id_prefix" if text.startswith(EXECUTION_PREFIX) else "ffqn_prefix"
    return redirect(f"{reverse('admin:console_executions')}?{name}={text}&show_derived=on")


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """Return what the quick search offers for a text."""
    if not may(request.user, Scope.READ) or "\0" in term:
        return []
    wanted = (
        ExecutionFilter(execution_id_prefix=term, show_derived=True)
        if term.startswith(EXECUTION_PREFIX)
        else ExecutionFilter(ffqn_prefix=term, show_derived=True)
    )
    return [
        SearchResult(
            title=row.pk,
            description=row.ffqn,
            link=reverse("admin:console_execution", args=[row.pk]),
            icon="account_tree",
        )
        for row in page_of(wanted, length=_MOST_RESULTS)
    ]
