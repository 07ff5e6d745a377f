"""What stands beside the answer to why a due execution is not run: the queue, who holds places, who is to answer.

Each is one look at rows that an index has in order, and at no more than so many.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Q

from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentSpec, Runner
from engine.errors import parting_version
from engine.log.events import ComponentUpgradeFinished
from executions.models import Execution, OperationRecord, TaskAssignment
from executions.operations.inbox import assignees_of
from executions.operations.recording import Operation

NOBODY_CARRIES_IT_OUT: Final = "waits for its result to be supplied: nobody here carries it out"
NOT_RUN_BY_DEPLOYED: Final = (
    "is due, but the deployed component version does not run it: it cannot follow its history, or shall not"
)
CANNOT_BE_REPLAYED: Final = "is due, but its history cannot be replayed by the deployed component version"

MOST_COUNTED: Final = 1000
"""Up to where a queue is counted."""
LOOKED_AT: Final = 2 * MOST_COUNTED
"""Due executions that are looked at, as there are such among them that no executor runs."""
_NAMED: Final = 3
_MOST_TEXT: Final = 200


def behind_others(row: Execution, registry: Registry, *, of: ComponentSpec | None = None) -> str:
    """Return how many are due before an execution, and since when, as the end of a sentence.

    Args:
        row: The execution, which is due.
        registry: What is deployed; what none of it runs stands in nobody's way.
        of: The only component that counts, where its places are what is waited for.
    """
    before = Q(due_at__lt=row.due_at) | Q(execution_id__lt=row.execution_id)
    # In the order of the index, and up to its own place there.
    due = Execution.objects.pending(row.due_at).filter(before).values_list("due_at", "ffqn", "incompatible_digest")
    looked_at = list(due[:LOOKED_AT])
    queue = [due_at for due_at, ffqn, refused in looked_at if _is_run(registry, ffqn, refused, of)]
    if not queue:
        return "" if len(looked_at) == LOOKED_AT else "; it is the next one"
    is_more = len(queue) > MOST_COUNTED or len(looked_at) == LOOKED_AT
    count = f"over {min(len(queue), MOST_COUNTED):,}" if is_more else f"{len(queue):,}"
    verb = "is" if count == "1" else "are"
    return f"; {count} {verb} due before it, the oldest since {shown(queue[0])}"


def _is_run(registry: Registry, ffqn: str, refused: str | None, of: ComponentSpec | None) -> bool:
    function = registry.find(ffqn)
    if function is None or function.component.runner is Runner.NONE or function.component.id.digest == refused:
        return False
    return of is None or function.component.id == of.id


def running_of(component: ComponentSpec, now: datetime) -> list[str]:
    """Return the ids of the executions that run a component, those whose lock ends first before others."""
    held = Execution.objects.unexpired_locks(now).filter(component_name=component.id.name)
    return list(held.order_by("due_at", "execution_id").values_list("execution_id", flat=True))


def named(ids: list[str]) -> str:
    """Return some executions by their ids: a few of them, and how many more."""
    more = len(ids) - _NAMED
    return ", ".join(ids[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def waits_for_answer(row: Execution) -> str:
    """Return who is to supply the result of what nobody here carries out: a sentence without its subject."""
    assignee = assignees_of([row])[row.pk]
    if assignee.user is None and assignee.group is None:
        return NOBODY_CARRIES_IT_OUT
    who = assignee.user or f"the group {assignee.group}"
    return f"waits for {who} to supply its result{_given_by(row)}"


def _given_by(row: Execution) -> str:
    if not TaskAssignment.objects.filter(pk=row.pk).exists():
        return f", since {shown(row.due_at)}"
    given = OperationRecord.objects.filter(execution_id=row.pk, operation=Operation.ASSIGN.value)
    record = given.order_by("-pk").first()
    return "" if record is None else f"; given to them{signed(record)}"


def cannot_go_on(row: Execution, *, with_values: bool) -> str:
    """Return why the deployed component version does not run an execution that it cannot, or shall not, go on with.

    Args:
        row: The execution.
        with_values: Whether to quote what its log holds.
    """
    if row.incompatible_digest is None:
        return CANNOT_BE_REPLAYED
    record = OperationRecord.objects.exclusion_of(row.pk, row.incompatible_digest)
    if record is not None:
        return (
            f"was left on the component version {row.component_digest}{signed(record)}, which is not deployed: deploy "
            "that again, or include the execution"
        )
    tried = row.events.filter(variant="component_upgrade_finished").order_by("-version").first()
    upgrade = None if tried is None else tried.entry().event
    if not isinstance(upgrade, ComponentUpgradeFinished) or upgrade.failure is None:
        return CANNOT_BE_REPLAYED
    version = parting_version(upgrade.failure)
    where = "" if version is None else f", they part at event {version}"
    return CANNOT_BE_REPLAYED + where + (f": {shortened(upgrade.failure)}" if with_values else "")


def signed(record: OperationRecord) -> str:
    """Return who did something, since when it is so, and why, as the end of a clause."""
    reason = f" ({shortened(record.reason)})" if record.reason else ""
    return f" by {record.actor} since {shown(record.at)}{reason}"


def shortened(text: str) -> str:
    """Return a text, or as much of a long one as a sentence holds."""
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def shown(instant: datetime) -> str:
    """Return an instant for people."""
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
