"""Entries of the audit: three kinds of records, told as one list, newest first.

Operations on executions, decisions on deployments, and what Django keeps of changes of people, groups and tokens. Each
is read a page at a time, behind a place by time; of the many operations only so many are looked through at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from components.models import DeploymentSwitch, SwitchKind
from executions.instants import from_micros, to_micros
from executions.models import OperationRecord
from executions.operations.recording import Operation

LOOKED_THROUGH: Final = 20_000
"""Operations that one page looks through for somebody, or for a kind of operation, at most."""
_LAST: Final = to_micros(datetime.max.replace(tzinfo=UTC))
_FLAGS: Final = {ADDITION: "add", CHANGE: "change", DELETION: "delete"}

EXECUTION: Final = "execution"
DEPLOYMENT: Final = "deployment"
SITE: Final = "site"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where an entry stands among all.

    Args:
        at: Microseconds since the epoch.
        kind: ``execution``, ``deployment`` or ``site``.
        number: Of its row.
    """

    at: int
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.at}.{self.kind}.{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Something that somebody did.

    Args:
        place: Where it stands.
        at: When.
        actor: Who: ``user:NAME``, ``token:PREFIX NAME`` or ``command:NAME``; empty for this program itself.
        what: Such as ``cancel`` or ``switched``.
        about: The execution or the deployment, or what else it was done to.
        detail: What else tells it apart.
        reason: Why, in their words.
    """

    place: Place
    at: datetime
    actor: str
    what: str
    about: str
    detail: str
    reason: str

    @property
    def words(self) -> str:
        """What was done, for people."""
        return self.what.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look for; empty for everything.

    Args:
        who: A part of the actor.
        what: An operation.
        about: The id of an execution or a deployment.
        since: At this instant or later.
        until: Before this instant.
    """

    who: str = ""
    what: str = ""
    about: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """A part of the list.

    Args:
        entries: Newest first.
        behind: Where the next page begins, if there may be more.
        is_searching: Whether more was looked through than a page does at a time, so that few entries do not mean that
            there are no more.
    """

    entries: tuple[AuditEntry, ...]
    behind: Place | None
    is_searching: bool = False


def place_of(text: str) -> Place | None:
    """Return the place that an address names; ``None`` if it names none."""
    at, _, rest = text.partition(".")
    kind, _, number = rest.partition(".")
    is_number = all(part.isascii() and part.isdigit() and len(part) < 19 for part in (at, number))
    if not is_number or kind not in (EXECUTION, DEPLOYMENT, SITE) or int(at) > _LAST:
        return None
    return Place(at=int(at), kind=kind, number=int(number))


def audit_page(wanted: Wanted, *, behind: Place | None, length: int) -> AuditPage:
    """Return a page of the list.

    Args:
        wanted: What to look for.
        behind: Where it begins; ``None`` for the newest.
        length: How many entries at most.
    """
    edge, operations = _operations(wanted, behind, length + 1)
    others = [*_decisions(wanted, behind, length + 1), *_changes(wanted, behind, length + 1)]
    found = sorted((*operations, *others), key=lambda entry: entry.place, reverse=True)
    if edge is not None and len(operations) <= length:
        # What others have before the last operation that was looked at belongs on a later page.
        shown = [entry for entry in found if entry.place >= edge][:length]
        is_whole = len(shown) < length
        return AuditPage(entries=tuple(shown), behind=edge if is_whole else shown[-1].place, is_searching=is_whole)
    shown = found[:length]
    return AuditPage(entries=tuple(shown), behind=shown[-1].place if len(found) > length else None)


def all_entries(wanted: Wanted, *, portion: int = 500) -> Iterator[AuditEntry]:
    """Return all that is looked for, newest first, read a portion at a time."""
    page = audit_page(wanted, behind=None, length=portion)
    yield from page.entries
    while page.behind is not None:
        page = audit_page(wanted, behind=page.behind, length=portion)
        yield from page.entries


def _operations(wanted: Wanted, behind: Place | None, length: int) -> tuple[Place | None, list[AuditEntry]]:
    rows = _within(OperationRecord.objects.all(), "at", wanted, behind, EXECUTION)
    if wanted.about:
        rows = rows.filter(execution_id=wanted.about)
    edge = None
    if wanted.who or wanted.what:
        looked_at = rows[:LOOKED_THROUGH]
        edge = next((_operation(last).place for last in looked_at[LOOKED_THROUGH - 1 :]), None)
        rows = OperationRecord.objects.filter(pk__in=looked_at.values("pk")).order_by("-at", "-pk")
        if wanted.who:
            rows = rows.filter(actor__icontains=wanted.who)
        if wanted.what:
            rows = rows.filter(operation=wanted.what)
    return edge, [_operation(row) for row in rows[:length]]


def _operation(row: OperationRecord) -> AuditEntry:
    return AuditEntry(
        place=Place(at=to_micros(row.at), kind=EXECUTION, number=row.pk),
        at=row.at,
        actor=row.actor,
        what=row.operation,
        about=row.execution_id,
        detail=row.detail,
        reason=row.reason,
    )


def _decisions(wanted: Wanted, behind: Place | None, length: int) -> list[AuditEntry]:
    rows = _within(DeploymentSwitch.objects.all(), "at", wanted, behind, DEPLOYMENT)
    if wanted.about:
        rows = rows.filter(deployment_id=wanted.about)
    if wanted.who:
        rows = rows.filter(actor__icontains=wanted.who)
    if wanted.what:
        rows = rows.filter(kind=wanted.what)
    return [
        AuditEntry(
            place=Place(at=to_micros(row.at), kind=DEPLOYMENT, number=row.pk),
            at=row.at,
            actor=row.actor,
            what=row.kind,
            about=row.deployment_id,
            detail=f"in place of {row.replaced}" if row.replaced else "",
            reason=row.reason,
        )
        for row in rows[:length]
    ]


def _changes(wanted: Wanted, behind: Place | None, length: int) -> list[AuditEntry]:
    if wanted.about:
        return []
    rows = _within(LogEntry.objects.select_related("user", "content_type"), "action_time", wanted, behind, SITE)
    if wanted.who:
        name = f"user__{get_user_model().USERNAME_FIELD}__icontains"
        rows = rows.filter(**{name: wanted.who.removeprefix("user:")})
    if wanted.what:
        rows = rows.filter(action_flag__in=[flag for flag in _FLAGS if _FLAGS[flag] == wanted.what])
    return [
        AuditEntry(
            place=Place(at=to_micros(row.action_time), kind=SITE, number=row.pk),
            at=row.action_time,
            actor=f"user:{row.user.get_username()}",
            what=_FLAGS.get(row.action_flag, "delete"),
            about=f"{row.content_type or 'something'} {row.object_repr}",
            detail=row.get_change_message(),
            reason="",
        )
        for row in rows[:length]
    ]


def _within(
    rows: QuerySet[Any, Any], column: str, wanted: Wanted, behind: Place | None, kind: str
) -> QuerySet[Any, Any]:
    """Return the rows of a kind in the order of the list, behind a place and within the times that are wanted."""
    if wanted.since is not None:
        rows = rows.filter(**{f"{column}__gte": wanted.since})
    if wanted.until is not None:
        rows = rows.filter(**{f"{column}__lt": wanted.until})
    if behind is not None:
        at = from_micros(behind.at)
        earlier = Q(**{f"{column}__lt": at})
        if kind < behind.kind:
            earlier |= Q(**{column: at})
        elif kind == behind.kind:
            earlier |= Q(**{column: at, "pk__lt": behind.number})
        # The first follows from the second, but databases find the place in the index by it alone.
        rows = rows.filter(Q(**{f"{column}__lte": at}), earlier)
    return rows.order_by(f"-{column}", "-pk")


def kinds_of_operations() -> list[str]:
    """Return what can be looked for as `Wanted.what`."""
    return sorted({*(each.value for each in Operation), *SwitchKind.values, *_FLAGS.values()})
