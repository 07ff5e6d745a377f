"""Keeping which requests were refused: off the request's path, and bounded whatever a flood sends.

Requests that are alike share a row for a minute, a day has so many rows, and the table so many: what comes beyond is
only in the site's log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from msgspec import Struct

from engine.errors import JournalUnavailable
from engine.executor.best_effort import BestEffort
from webhooks.models import RefusedRequest
from webhooks.problems import Problem
from webhooks.scopes import Scope

log = structlog.get_logger(__name__)

MOST_A_DAY: Final = 5000
"""Rows."""
MOST_KEPT: Final = 50_000
"""Rows."""
_MOST_WAITING: Final = 2000
"""Requests of one process that wait to be stored; further ones are dropped, and the site's log says how many."""
_ALIKE_WITHIN: Final = timedelta(minutes=1)
_LOOKED_AT: Final = 200
"""The last rows, among which one that is alike is looked for."""
_DAY: Final = timedelta(days=1)
_LONGEST_PATH: Final = 300
_LONGEST_METHOD: Final = 20
_LONGEST_ADDRESS: Final = 60


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a request was refused; its fields are columns of `RefusedRequest`."""

    endpoint: str
    provider: str
    method: str
    path: str
    client: str
    status: int
    code: str
    reason: str


class Refusals:
    """The refused requests of one process, on their way to the database."""

    def __init__(self) -> None:
        self._waiting = BestEffort(_store, what="refused webhook requests", capacity=_MOST_WAITING)

    def add(self, endpoint: str, provider: str, scope: Scope, path: str, problem: Problem) -> None:
        """Take a request that was refused. Touches no database.

        Args:
            endpoint: Name of the component that it did not reach.
            provider: Who should have signed it; empty where nobody has to.
            scope: What the server says of the request.
            path: As the component would have seen it.
            problem: What it was answered with.
        """
        address, *_port = scope.get("client") or ("",)
        self._waiting.add(
            Refusal(
                endpoint=endpoint,
                provider=provider,
                method=_storable(scope["method"], _LONGEST_METHOD),
                path=_storable(path, _LONGEST_PATH),
                client=_storable(address or "", _LONGEST_ADDRESS),
                status=problem.status,
                code=problem.code,
                reason=problem.detail,
            )
        )

    def flush(self) -> None:
        """Store what waits."""
        self._waiting.flush()


def _storable(text: str, most: int) -> str:
    """Return text of somebody unknown so that every database takes it."""
    return text[:most].replace("\0", "")


def _store(refusals: Sequence[Refusal]) -> None:
    """Store refusals; what is over the bounds goes to the site's log alone.

    Raises:
        JournalUnavailable: If the database did not answer; nothing was stored.
    """
    try:
        with transaction.atomic():
            left_out = _fold(Counter(refusals), timezone.now())
    except DatabaseError as error:
        raise JournalUnavailable(str(error)) from error
    if left_out:
        log.warning("webhook.refusals_not_kept", requests=left_out, most_a_day=MOST_A_DAY)


def _fold(counted: Counter[Refusal], now: datetime) -> int:
    """Add to rows that are alike, make those that are not there, and return how many requests had no room."""
    last = RefusedRequest.objects.order_by("-pk")[:_LOOKED_AT]
    alike = {
        msgspec.convert(row, Refusal, from_attributes=True): row.pk
        for row in last
        if row.first_at > now - _ALIKE_WITHIN
    }
    room = MOST_A_DAY - RefusedRequest.objects.filter(first_at__gt=now - _DAY)[:MOST_A_DAY].count()
    made: list[RefusedRequest] = []
    left_out = 0
    for refusal, count in counted.items():
        if refusal in alike:
            rows = RefusedRequest.objects.filter(pk=alike[refusal])
            rows.update(count=F("count") + count, last_at=now)
        elif len(made) < room:
            values = msgspec.structs.asdict(refusal)
            made.append(RefusedRequest(first_at=now, last_at=now, count=count, **values))
        else:
            left_out += count
    RefusedRequest.objects.bulk_create(made)
    _drop_oldest()
    return left_out


def _drop_oldest() -> None:
    newest = RefusedRequest.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    RefusedRequest.objects.filter(pk__lte=newest - MOST_KEPT).delete()
