"""Tasks as pages show them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from console.executions.summaries import Outcome, outcome_of
from engine.deployment.registry import DeployedFunction
from engine.log.state import Status
from executions.deployed import deployed_registry
from executions.journal.rows import created_of
from executions.models import Event, Execution, OperationRecord
from executions.operations.inbox import NO_WORDS, Assignee, assignees_of, words_of_stubs
from executions.operations.recording import Operation

_LONGEST_PREVIEW: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTask:
    """A task.

    Args:
        row: Its execution.
        title: What people read; the function's own name if its source says nothing.
        assignee: Who is to answer it.
        params: Name and JSON text of each parameter.
        parent: The execution that asks; ``None`` if somebody started it.
        fingerprint: Differs when what is shown of it in lists does.
    """

    row: Execution
    title: str
    assignee: Assignee
    params: tuple[tuple[str, str], ...]
    parent: Execution | None
    fingerprint: int

    @property
    def is_open(self) -> bool:
        """Whether it waits for its answer."""
        return self.row.status != Status.FINISHED.value

    @property
    def preview(self) -> str:
        """The parameters in one line."""
        text = ", ".join(f"{name} {value[:_LONGEST_PREVIEW]}" for name, value in self.params)
        return text if len(text) <= _LONGEST_PREVIEW else f"{text[:_LONGEST_PREVIEW]}…"


def shown_tasks(rows: Sequence[Execution]) -> list[ShownTask]:
    """Return tasks as pages show them, in the same order; with a few queries, however many they are."""
    ids = [row.pk for row in rows]
    words, assignees = words_of_stubs(), assignees_of(rows)
    parents = Execution.objects.in_bulk({row.parent_id for row in rows if row.parent_id is not None})
    births = dict(Event.objects.filter(execution_id__in=ids, version=0).values_list("execution_id", "payload"))
    registry = deployed_registry()
    return [
        ShownTask(
            row=row,
            title=words.get(row.ffqn, NO_WORDS).title or row.ffqn.rpartition(".")[2].replace("-", " ").capitalize(),
            assignee=assignees[row.pk],
            params=_params(births[row.pk], registry.find(row.ffqn)),
            parent=parents.get(row.parent_id or ""),
            fingerprint=zlib.crc32(f"{row.next_version} {row.status} {row.lifecycle} {assignees[row.pk]}".encode()),
        )
        for row in rows
    ]


def _params(payload: str, function: DeployedFunction | None) -> tuple[tuple[str, str], ...]:
    values = orjson.loads(created_of(payload).params)
    names = [] if function is None else [param.name for param in function.type.params]
    return tuple(
        (names[index] if index < len(names) else str(index + 1), orjson.dumps(value).decode())
        for index, value in enumerate(values)
    )


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """How a task ended.

    Args:
        outcome: What it came to.
        record: Who answered it; ``None`` if nobody did, or not in a way that is recorded.
    """

    outcome: Outcome
    record: OperationRecord | None


def answer_of(row: Execution) -> GivenAnswer | None:
    """Return how a task ended, or ``None`` while it has not."""
    outcome = outcome_of(row)
    if outcome is None:
        return None
    answers = OperationRecord.objects.filter(execution_id=row.pk, operation=Operation.STUB.value)
    return GivenAnswer(outcome, answers.order_by("pk").last())
