"""What helps an execution on, as things stand: the few ways that its page offers before all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from console.access import may
from console.debugger.partings import KnownParting
from console.executions.summaries import Summary
from console.operating.actions import ACTIONS
from console.operating.offers import Offer
from engine.deployment.spec import ComponentType
from engine.log.state import Status
from executions.access.scopes import Scope
from executions.explanations import waited_for
from executions.models import Execution
from executions.operations.outside import known_outside

_MOST: Final = 3
_REMEDIES: Final = ("unpause", "retry")
_SUBMITTABLE: Final = (ComponentType.WORKFLOW.value, ComponentType.ACTIVITY.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A way on.

    Args:
        title: On its button.
        icon: Ligature of the icon font.
        url: Where it leads.
        is_remedy: Whether it does away with what keeps the execution, or leads there.
        key: Of the operation that it is, if it is one.
    """

    title: str
    icon: str
    url: str
    is_remedy: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What an execution's page offers.

    Args:
        first: The few that help most, the best one first.
        more: Other ways that are possible.
        offers: The operations that are not among the first, the possible ones first.
    """

    first: Sequence[Step]
    more: Sequence[Step]
    offers: Sequence[Offer]


def ways_on(request: HttpRequest, summary: Summary, *, parting: KnownParting | None, offers: Sequence[Offer]) -> Ways:
    """Return what an execution's page offers to whoever asks.

    Args:
        request: Who asks.
        summary: The execution.
        parting: That its history and its code part, if they do.
        offers: The operations that whoever asks has the right to.
    """
    possible = {offer.action.key for offer in offers if offer.obstacle is None}
    steps = list(_steps(request.user, summary, parting, possible))
    shown = {step.key for step in steps[:_MOST]}
    return Ways(
        first=steps[:_MOST],
        more=[step for step in steps[_MOST:] if step.key is None],
        offers=[offer for offer in offers if offer.action.key not in shown],
    )


def _steps(user: Any, summary: Summary, parting: KnownParting | None, possible: set[str]) -> Iterator[Step]:
    row = summary.row
    yield from _to_what_it_waits_for(user, row)
    if summary.cause is not None:
        url = reverse("admin:console_execution", args=[summary.cause.row.pk])
        yield Step(title="Go to the cause", icon="crisis_alert", url=url, is_remedy=True)
    if parting is not None:
        yield Step(title="Compare", icon="difference", url=parting.url, is_remedy=True)
        if parting.fork_from is not None and "fork" in possible:
            yield _operation(row, "fork", f"Fork from event {parting.fork_from}", version=parting.fork_from)
        if "upgrade" in possible:
            yield _operation(row, "upgrade")
    for key in ("unpause", "retry", "advance", "pause", "cancel"):
        if key in possible:
            yield _operation(row, key, is_remedy=key in _REMEDIES)
    if may(user, Scope.SUBMIT) and row.component_type in _SUBMITTABLE:
        url = f"{reverse('admin:console_call', args=[row.ffqn])}?{urlencode({'from': row.pk})}"
        yield Step(title="Submit again", icon="content_copy", url=url)


def _to_what_it_waits_for(user: Any, row: Execution) -> Iterator[Step]:
    if row.status == Status.FINISHED.value:
        return
    deepest = waited_for(row)
    at = deepest or row
    if at.component_type == ComponentType.ACTIVITY_STUB.value or at.ffqn in known_outside():
        title = "Answer the task" if may(user, Scope.OPERATE) else "Open the task"
        yield Step(title=title, icon="inbox", url=reverse("admin:console_task", args=[at.pk]), is_remedy=True)
    elif deepest is not None:
        url = reverse("admin:console_execution", args=[deepest.pk])
        yield Step(title="Go to what it waits for", icon="arrow_forward", url=url)


def _operation(row: Execution, key: str, title: str | None = None, *, is_remedy: bool = False, **query: object) -> Step:
    action = ACTIONS[key]
    url = reverse("admin:console_operate", args=[row.pk, key])
    return Step(
        title=title or action.title,
        icon=action.icon,
        url=f"{url}?{urlencode(query)}" if query else url,
        is_remedy=is_remedy,
        key=key,
    )
