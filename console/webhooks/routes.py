"""Where webhook endpoints are mounted, who signs their requests, and how they do."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from components.operator import has_secret
from console.access import needs
from console.code.unreadable import tells_what_is_unreadable
from console.menu_badges import for_a_moment
from console.pages import page
from console.webhooks.refused import COUNTED_TIME, refused_lately
from console.webhooks.shown import UNSHOWN, ShownDelivery, shown_deliveries
from engine.deployment.webhooks import WebhookMount
from engine.errors import DeploymentError
from executions.access.scopes import Scope
from executions.deployed import deployed_registry
from webhooks.host import Endpoint, endpoint_of
from webhooks.models import Delivery, DeliveryState

COUNTED: Final = 10_000
"""How many deliveries of the last hour are counted, of all endpoints together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEndpoint:
    """A webhook endpoint of the active deployment.

    Args:
        endpoint: What it is.
        secrets: Names of the secrets that check its signatures, and whether this process has each.
        last: The last delivery to it.
        answered: Deliveries of the last hour that were answered.
        failed: Those that failed.
        refused: Requests of the last hour that were refused before.
    """

    endpoint: Endpoint
    secrets: tuple[tuple[str, bool], ...]
    last: ShownDelivery | None
    answered: int
    failed: int
    refused: int

    @property
    def mount(self) -> WebhookMount:
        """What its deployment says about it."""
        return self.endpoint.mount

    @property
    def fingerprint(self) -> int:
        """Differs when what is shown of it does."""
        last = self.last and (self.last.row.pk, self.last.fingerprint)
        counts = (self.answered, self.failed, self.refused)
        return zlib.crc32(repr((self.endpoint.component.id.digest, last, counts)).encode())


@needs(Scope.READ)
@tells_what_is_unreadable
def routes(request: HttpRequest) -> HttpResponse:
    """Show the webhook endpoints of the active deployment."""
    now = timezone.now()
    shown = shown_endpoints(now)
    return page(
        request,
        "webhooks/routes.html",
        title="Webhooks",
        endpoints=shown,
        prefix=settings.OBELISK_WEBHOOK_PREFIX.rstrip("/"),
        cursor=json.dumps({each.endpoint.name: each.fingerprint for each in shown}),
        now=now,
    )


def shown_endpoints(now: datetime) -> list[ShownEndpoint]:
    """Return the endpoints of the active deployment, in its order.

    Raises:
        DeploymentError: If it cannot be read, or the operator's configuration cannot be used.
    """
    endpoints = _endpoints()
    last = {each.row.endpoint: each for each in shown_deliveries(_last_deliveries([each.name for each in endpoints]))}
    counts, refused = _counts(now), refused_lately(now)
    return [
        ShownEndpoint(
            endpoint=each,
            secrets=()
            if each.mount.verify is None
            else tuple((name, has_secret(name)) for name in each.mount.verify.secrets),
            last=last.get(each.name),
            answered=counts[each.name, DeliveryState.ANSWERED],
            failed=counts[each.name, DeliveryState.FAILED],
            refused=refused[each.name],
        )
        for each in endpoints
    ]


def failing_badge(_request: HttpRequest) -> str:
    """Return how many endpoints' last delivery failed, for the menu; empty if none did. Asked for with every page."""
    return for_a_moment("console-failing-webhooks", _count_failing)


def _count_failing() -> str:
    try:
        last = _last_deliveries([each.name for each in _endpoints()])
    except DeploymentError:
        # The pages of deployments say what is wrong; the menu must be there to get to them.
        return ""
    return str(sum(row.state == DeliveryState.FAILED for row in last) or "")


def _endpoints() -> list[Endpoint]:
    components = deployed_registry().deployment.components
    return [endpoint_of(each, each.webhook) for each in components if each.webhook is not None]


def _last_deliveries(endpoints: list[str]) -> list[Delivery]:
    """Return the last delivery to each endpoint that has any."""
    found = (Delivery.objects.of_endpoint(name).newest_first().defer(*UNSHOWN).first() for name in endpoints)
    return [row for row in found if row is not None]


def _counts(now: datetime) -> Counter[tuple[str, str]]:
    """Return how many deliveries of the last hour there were, by endpoint and state."""
    recent = Delivery.objects.filter(received_at__gte=now - COUNTED_TIME).order_by("-received_at")[:COUNTED]
    groups = Delivery.objects.filter(pk__in=recent.values("pk")).values_list("endpoint", "state")
    return Counter({(endpoint, state): count for endpoint, state, count in groups.annotate(count=Count("pk"))})
