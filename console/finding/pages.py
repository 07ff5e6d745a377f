"""Going to what a text names, and the quick search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from console.access import may, needs
from console.finding import by_id, by_name
from console.finding.things import Found
from console.pages import page
from executions.access.scopes import Scope

_MOST_OF_A_KIND: Final = 8
_MOST: Final = 20
_LONGEST: Final = 1000
_Finder = Callable[[str, int], Iterator[Found]]
_BY_ID: Final[tuple[_Finder, ...]] = (by_id.executions, by_id.delays, by_id.deployments, by_id.digests)
"""A text that is an id, or begins as one, is nothing else."""
_BY_NAME: Final[tuple[_Finder, ...]] = (by_name.deployed, by_id.executors, by_id.deliveries, by_id.calls)


@needs(Scope.READ)
def go(request: HttpRequest, text: str | None = None) -> HttpResponse:
    """Lead to what a text names; show a short list if that may be several things, and say so if it is nothing."""
    wanted = _clean(request.GET.get("q", "") if text is None else text)
    found = find(request, wanted)
    exact = [each for each in found if each.is_exact]
    if len(exact) == 1 or len(found) == 1:
        return redirect((exact or found)[0].url)
    return page(request, "finding/choice.html", title="Find", status=200 if found else 404, text=wanted, found=found)


def quick_search(request: HttpRequest) -> HttpResponse:
    """Return what the quick search finds, as things are now."""
    if not may(request.user, Scope.READ):
        return TemplateResponse(request, "console/found.html", {"found": []})
    found = find(request, _clean(request.GET.get("s", "")))
    return TemplateResponse(request, "console/found.html", {"found": found})


def find(request: HttpRequest, text: str) -> Sequence[Found]:
    """Return what a text may name, what it names in full first."""
    if not text:
        return []
    found = [each for finder in _BY_ID for each in finder(text, _MOST_OF_A_KIND)]
    if not found:
        finders = [*_BY_NAME, *([by_name.people] if request.user.is_superuser else [])]
        found = [each for finder in finders for each in finder(text, _MOST_OF_A_KIND)]
    return sorted(found, key=lambda each: not each.is_exact)[:_MOST]


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:_LONGEST]
