"""The page of one delivery."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from console.access import needs
from console.pages import page
from console.webhooks.bodies import shown_body
from console.webhooks.masking import masked_headers
from console.webhooks.shown import fingerprint_of, shown_deliveries, shown_delivery
from executions.access.scopes import Scope
from executions.models import Execution, OperationRecord
from executions.operations.recording import Operation
from webhooks.models import Delivery
from webhooks.replaying import obstacle_of

_MOST_REPLAYS: Final = 20


@needs(Scope.READ)
def delivery(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Show a delivery: what came in, whether it was signed, what it was answered, and by whom."""
    row = found(delivery_id)
    return page(
        request,
        "webhooks/delivery.html",
        title=f"Delivery {row.pk}",
        obstacle=obstacle_of(row),
        cursor=json.dumps(cursor_of(row)),
        request_body=shown_body(bytes(row.body), row.body_size),
        request_headers=masked_headers(row.headers),
        **facts_of(row),
    )


def found(delivery_id: int) -> Delivery:
    """Return a delivery.

    Raises:
        Http404: If there is none.
    """
    row = Delivery.objects.filter(pk=delivery_id).first()
    if row is None:
        raise Http404(f"There is no delivery {delivery_id}.")
    return row


def cursor_of(row: Delivery) -> dict[str, int]:
    """Return how far a page with this delivery is."""
    return {"state": fingerprint_of(row), "replays": Delivery.objects.filter(replay_of=row).count()}


def facts_of(row: Delivery) -> dict[str, Any]:
    """Return what the page of a delivery tells that changes while it is open."""
    execution = Execution.objects.filter(pk=row.execution_id).first()
    replays = shown_deliveries(list(Delivery.objects.filter(replay_of=row).newest_first()[:_MOST_REPLAYS]))
    records = OperationRecord.objects.filter(
        execution_id__in=[row.execution_id, *(each.row.execution_id for each in replays)],
        operation=Operation.REPLAY_DELIVERY.value,
    )
    asked = {record.execution_id: record for record in records}
    return {
        "delivery": shown_delivery(row, execution),
        "execution": execution,
        "asked": asked.get(row.execution_id),
        "replays": [(each, asked.get(each.row.execution_id)) for each in replays],
        "answer_body": shown_body(bytes(row.response_body), row.response_size),
        "answer_headers": masked_headers(row.response_headers),
        "now": timezone.now(),
    }
