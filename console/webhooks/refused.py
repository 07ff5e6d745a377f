"""Requests to webhook endpoints that were refused before any component ran."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from console.access import needs
from console.executions.filters import without
from console.pages import page
from console.webhooks.masking import masked_target
from executions.access.scopes import Scope
from webhooks.models import RefusedRequest
from webhooks.refusals import MOST_A_DAY

COUNTED_TIME: Final = timedelta(hours=1)
_PAGE: Final = 50
_LONGEST_CURSOR: Final = 18


@needs(Scope.READ)
def refused(request: HttpRequest) -> HttpResponse:
    """Show a page of the requests that were refused, newest first."""
    rows = RefusedRequest.objects.order_by("-pk")
    endpoint = request.GET.get("endpoint", "").replace("\0", "")
    if endpoint:
        rows = rows.filter(endpoint=endpoint)
    cursor = cursor_in(request.GET)
    if cursor is not None:
        rows = rows.filter(pk__lt=cursor)
    found = list(rows[: _PAGE + 1])
    return page(
        request,
        "webhooks/refused.html",
        title="Webhooks",
        requests=[(row, masked_target(row.path)) for row in found[:_PAGE]],
        endpoint=endpoint,
        older=without(request.GET, cursor=str(found[_PAGE - 1].pk)) if len(found) > _PAGE else None,
        newest=without(request.GET, "cursor") if cursor is not None else None,
        most_a_day=MOST_A_DAY,
        now=timezone.now(),
    )


def refused_lately(now: datetime) -> Counter[str]:
    """Return how many requests of the last hour were refused, by endpoint."""
    # A day has no more rows; the bound has databases take the index of the time, and not that of what is grouped by.
    recent = RefusedRequest.objects.filter(last_at__gte=now - COUNTED_TIME).order_by("-last_at")[:MOST_A_DAY]
    groups = RefusedRequest.objects.filter(pk__in=recent.values("pk")).values_list("endpoint")
    return Counter(dict(groups.annotate(total=Sum("count"))))


def cursor_in(query: QueryDict) -> int | None:
    """Return the number behind which a page of a list begins; ``None`` for the first page."""
    text = query.get("cursor", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_CURSOR else None
