"""The list of deliveries, newest first, a page at a time by key."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from console.access import needs
from console.executions.filters import without
from console.pages import page
from console.webhooks.filters import DeliveryFilter
from console.webhooks.refused import cursor_in, refused_lately
from console.webhooks.shown import UNSHOWN, shown_deliveries
from engine.errors import DeploymentError
from executions.access.scopes import Scope
from executions.deployed import deployed_registry
from webhooks.models import Delivery

PAGE: Final = 50


@needs(Scope.READ)
def deliveries(request: HttpRequest) -> HttpResponse:
    """Show a page of the deliveries that match a filter."""
    form = DeliveryFilter(request.GET)
    matching = form.matching()
    newest = Delivery.objects.newest_first().values_list("pk", flat=True).first() or 0
    cursor = cursor_in(request.GET)
    rows = matching if cursor is None else matching.filter(pk__lt=cursor)
    found = list(rows.defer(*UNSHOWN)[: PAGE + 1])
    shown = shown_deliveries(found[:PAGE])
    now = timezone.now()
    refused = refused_lately(now).total()
    fingerprints = {str(each.row.pk): each.fingerprint for each in shown}
    return page(
        request,
        "webhooks/deliveries.html",
        title="Webhooks",
        form=form,
        deliveries=shown,
        endpoints=_endpoints(),
        is_filtered=any(request.GET.get(name) for name in form.fields),
        view=urlencode({name: request.GET.get(name, "") for name in form.fields}) if form.is_valid() else "",
        cursor=json.dumps({"newest": newest, "refused": refused, **fingerprints}),
        older=without(request.GET, cursor=str(found[PAGE - 1].pk)) if len(found) > PAGE else None,
        newest=without(request.GET, "cursor") if cursor is not None else None,
        refused=refused,
        now=now,
    )


def _endpoints() -> list[str]:
    try:
        return [each.id.name for each in deployed_registry().deployment.components if each.webhook is not None]
    except DeploymentError:
        # They are suggestions only.
        return []
