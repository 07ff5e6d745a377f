"""Starting an execution once, however often the request is repeated.

Source:
    The IETF draft of the ``Idempotency-Key`` header. Only what started something is remembered: a request that was
    refused may be mended and sent again under its key.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from engine.errors import EngineError
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from executions.models import Execution, IdempotencyKey
from executions.operations.submitting import Call, Submitted, submit_all

LIFETIME: Final = timedelta(hours=24)
_PURGED_AT_ONCE: Final = 100


class KeyReused(EngineError):
    """The key belongs to another request."""


def submit_once(call: Call, *, principal: str, key: str, request_digest: str, journal: Journal) -> Submitted:
    """Start an execution, or return the one that this very request has started within a day.

    Args:
        call: What to start.
        principal: Whose key it is.
        key: The key.
        request_digest: Tells requests apart.
        journal: Where to write.

    Raises:
        KeyReused: If the key belongs to another request.
        CallRefused: As `submit` does; likewise its other errors.
    """
    try:
        with transaction.atomic():
            return _find(principal, key, request_digest) or _start(call, principal, key, request_digest, journal)
    except IntegrityError:
        # The same request came twice at the same moment, and the other one was first.
        found = _find(principal, key, request_digest)
        if found is None:
            raise
        return found


def _find(principal: str, key: str, request_digest: str) -> Submitted | None:
    row = IdempotencyKey.objects.filter(principal=principal, key=key).first()
    if row is None or row.created_at <= timezone.now() - LIFETIME:
        return None
    if row.request_digest != request_digest:
        raise KeyReused("the Idempotency-Key was used for another request; take a fresh one")
    ffqn = Execution.objects.filter(pk=row.execution_id).values_list("ffqn", flat=True).first()
    return Submitted(execution_id=ExecutionId(row.execution_id), ffqn=ffqn or "", is_new=False)


def _start(call: Call, principal: str, key: str, request_digest: str, journal: Journal) -> Submitted:
    (submitted,) = submit_all([call], journal=journal)
    now = timezone.now()
    old = IdempotencyKey.objects.filter(created_at__lte=now - LIFETIME).order_by("created_at")
    IdempotencyKey.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:_PURGED_AT_ONCE])).delete()
    IdempotencyKey.objects.filter(principal=principal, key=key).delete()
    IdempotencyKey.objects.create(
        principal=principal,
        key=key,
        request_digest=request_digest,
        execution_id=submitted.execution_id,
        created_at=now,
    )
    return submitted
