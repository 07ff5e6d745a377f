"""Batches: how far one is, what became of each of its executions, and which there were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zlib import crc32

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from console.access import needs, person
from console.bulk.words import WORDS
from console.pages import page
from executions.access.scopes import Scope
from executions.batches.keeping import stop_batch
from executions.models import Batch, BatchEntry, BatchStatus
from executions.operations.bulk import COUNTED, BulkOperation

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Entries:
    """A page of what became of executions, the newest first, and where the next one begins."""

    rows: Sequence[BatchEntry]
    older: str | None


@needs(Scope.READ)
def batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Show one batch."""
    row = _found(batch_id)
    only_left = request.GET.get("left") == "on"
    cursor = request.GET.get("cursor", "").replace("\0", "")
    now = timezone.now()
    return page(
        request,
        "bulk/batch.html",
        title="Bulk operation",
        entries=entries_of(row, only_left=only_left, cursor=cursor),
        only_left=only_left,
        cursor=cursor,
        live_cursor=fingerprint(row, now),
        **shown(row, now),
    )


@needs(Scope.READ)
def batches(request: HttpRequest) -> HttpResponse:
    """Show the latest batches, or those before one."""
    rows = Batch.objects.order_by("-pk")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: PAGE + 1])
    now = timezone.now()
    return page(
        request,
        "bulk/list.html",
        title="Bulk operations",
        batches=[shown(row, now) for row in found[:PAGE]],
        older=found[PAGE - 1].pk if len(found) > PAGE else None,
    )


@needs(Scope.OPERATE)
@require_POST
def stop(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Have a batch end before its time; what was done stays done."""
    row = _found(batch_id)
    if not stop_batch(row, actor=person(request).actor):
        messages.info(request, "It had ended already.")
    return redirect("admin:console_batch", row.pk)


def shown(row: Batch, now: datetime) -> dict[str, Any]:
    """Return what templates show of a batch."""
    is_over = row.status != BatchStatus.RUNNING
    is_capped = row.total > COUNTED
    return {
        "batch": row,
        "words": WORDS[BulkOperation(row.operation)],
        "is_over": is_over,
        "is_unattended": row.is_unattended(now),
        "total": f"{COUNTED:,}+" if is_capped else f"{row.total:,}",
        "is_capped": is_capped,
        # Those that ended, went on or were deleted before it came to them.
        "gone": max(0, row.total - row.looked_at) if row.status == BatchStatus.DONE and not is_capped else 0,
        "now": now,
    }


def entries_of(row: Batch, *, only_left: bool, cursor: str = "") -> Entries:
    """Return a page of a batch's report.

    Args:
        row: The batch.
        only_left: Only what was left as it was.
        cursor: The id behind which the page begins; the newest by default.
    """
    entries = row.entries.order_by("-execution_id")
    if only_left:
        entries = entries.filter(is_done=False)
    if cursor:
        entries = entries.filter(execution_id__lt=cursor)
    found = list(entries[: PAGE + 1])
    return Entries(found[:PAGE], found[PAGE - 1].execution_id if len(found) > PAGE else None)


def fingerprint(row: Batch, now: datetime) -> dict[str, int]:
    """Return what differs whenever the page of a batch does, as a live page's cursor."""
    state = f"{row.status} {row.stop_wanted} {row.is_unattended(now)}"
    return {"looked": row.looked_at, "state": crc32(state.encode())}


def _found(batch_id: int) -> Batch:
    row = Batch.objects.filter(pk=batch_id).first()
    if row is None:
        raise Http404(f"There is no bulk operation {batch_id}.")
    return row
