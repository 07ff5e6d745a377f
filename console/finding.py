"""Finding things by what people paste: ids, beginnings of ids, names of functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from components.models import Component, Deployment
from console.access import may, needs
from engine.log.ids import EXECUTION_PREFIX
from executions.access.scopes import Scope
from executions.models import Execution
from executions.operations.listing import ExecutionFilter, page_of

_MOST_RESULTS: Final = 8
_ULID_LENGTH: Final = 26


@needs(Scope.READ)
def go(request: HttpRequest) -> HttpResponse:
    """Lead to what a text names: an execution, a deployment, a component by its digest, or a list of executions.

    The list has those whose id or function begins so.
    """
    text = request.GET.get("q", "").strip().replace("\0", "")
    if Execution.objects.filter(pk=text).exists():
        return redirect("admin:console_execution", text)
    if Deployment.objects.filter(pk=text).exists():
        return redirect("admin:console_deployment", text)
    if Component.objects.filter(digest=text).exists():
        return redirect("admin:console_component", text)
    name = "execution_id_prefix" if text.startswith(EXECUTION_PREFIX) else "ffqn_prefix"
    query = urlencode({name: text, "show_derived": "on"})
    return redirect(f"{reverse('admin:console_executions')}?{query}")


def search(request: HttpRequest) -> Sequence[Execution]:
    """Return the executions whose id or function begins with what was typed, the newest first."""
    text = request.GET.get("s", "").strip()
    if not text or "\0" in text or not may(request.user, Scope.READ):
        return []
    wanted = _beginning(text)
    # What was submitted by people and programs first, and only then what that has started.
    own = page_of(replace(wanted, show_derived=False), length=_MOST_RESULTS)
    known = {row.pk for row in own}
    return [*own, *(row for row in page_of(wanted, length=_MOST_RESULTS) if row.pk not in known)][:_MOST_RESULTS]


def _beginning(text: str) -> ExecutionFilter:
    if text.upper().startswith(EXECUTION_PREFIX):
        ulid_end = len(EXECUTION_PREFIX) + _ULID_LENGTH
        # Ids are pasted, but also typed.
        return ExecutionFilter(execution_id_prefix=text[:ulid_end].upper() + text[ulid_end:], show_derived=True)
    return ExecutionFilter(ffqn_prefix=text, show_derived=True)
