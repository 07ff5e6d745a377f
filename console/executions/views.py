"""Views of the list that have a name: those that everybody has, and one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from console.access import needs, person, person_id
from console.executions.filters import without
from executions.access.scopes import Scope
from executions.models import SavedView

MOST: Final = 30
"""Of one person."""
_LONGEST_NAME: Final = 60
_LONGEST_QUERY: Final = 4000
_OF_EVERYBODY: Final = (
    ("All", ""),
    ("In progress", "status=unfinished"),
    ("Stuck", "stuck=on&show_derived=on"),
    ("Failed 24 h", "status=finished_error&status=finished_failed&created_within=24h"),
)
_PLACE: Final = ("cursor", "direction")
"""What an address says of the page and not of the filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view as the list's page shows it.

    Args:
        name: What it is called.
        query: What stands in the address, with its question mark.
        is_here: Whether the page shows it.
        own: The number of the row, if it is somebody's own.
    """

    name: str
    query: str
    is_here: bool
    own: int | None = None


def views_of(request: HttpRequest) -> list[View]:
    """Return the views that whoever asks may choose from."""
    here = _kept(request.GET)
    mine = urlencode({"submitted_by": person(request).actor})
    views = [
        View(name=name, query=f"?{query}", is_here=_kept(QueryDict(query)) == here)
        for name, query in (*_OF_EVERYBODY, ("Mine", mine))
    ]
    own = SavedView.objects.filter(user_id=person_id(request)).order_by("name")[:MOST]
    return views + [
        View(name=each.name, query=f"?{each.query}", is_here=_kept(QueryDict(each.query)) == here, own=each.pk)
        for each in own
    ]


@needs(Scope.READ)
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Give a filter a name; one of that name is replaced."""
    name = " ".join(request.POST.get("name", "").replace("\0", "").split())
    query = without(QueryDict(request.POST.get("query", "").replace("\0", "")), *_PLACE).removeprefix("?")
    own = SavedView.objects.filter(user_id=person_id(request))
    if not name or len(name) > _LONGEST_NAME:
        messages.error(request, f"A view needs a name of at most {_LONGEST_NAME} characters.")
    elif len(query) > _LONGEST_QUERY:
        messages.error(request, "That filter is too long to be kept.")
    elif not own.filter(name=name).exists() and own.count() >= MOST:
        messages.error(request, f"You have {MOST} views already; delete one first.")
    else:
        SavedView.objects.update_or_create(user_id=person_id(request), name=name, defaults={"query": query})
    return redirect(f"{reverse('admin:console_executions')}?{query}")


@needs(Scope.READ)
@require_POST
def forget(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete one of one's own views."""
    SavedView.objects.filter(user_id=person_id(request), pk=view_id).delete()
    return redirect("admin:console_executions")


def _kept(query: QueryDict) -> list[tuple[str, list[str]]]:
    """Return what of an address makes a view, whatever its order; an empty field of a form counts as not there."""
    kept = ((name, sorted(value for value in values if value)) for name, values in query.lists() if name not in _PLACE)
    return sorted((name, values) for name, values in kept if values)
