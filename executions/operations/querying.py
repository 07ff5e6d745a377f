"""Questions about the state of a workflow written in Python; nothing is written.

A throw-away copy of the run is replayed to the wanted point and asked, so the answer is that of the recorded history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.replay.asking import HistoryNotFollowed, NotAskable, StateQuestion, Unanswered, ask
from engine.wit.json_values import MAX_JSON_BYTES
from executions.component_versions import make_replayer
from executions.journal.journal import SqlJournal
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import load_workflow


class QueryUnknown(OperationRefused):
    """The workflow's file has no such query."""


class QueryFailed(OperationRefused):
    """The query function raised an exception, or was given wrong parameters; ``trace`` says where."""

    def __init__(self, sentence: str, trace: str) -> None:
        super().__init__(sentence)
        self.trace = trace


class WorkflowDiverges(OperationRefused):
    """The workflow parts with its history before the place where it was to be asked."""


class NoAnswers(OperationRefused):
    """The workflow's component has no answer to such questions."""


def query(execution_id: ExecutionId, name: str, params: Sequence[Any] = (), *, journal: Journal | None = None) -> Any:
    """Ask a workflow, running or finished, by one of the ``@query`` functions of its file.

    Args:
        execution_id: Which one.
        name: The function, as Python or WIT names it; what comes before the last dot is passed over.
        params: JSON data, its parameters.
        journal: Where it stands; the calling thread's database connection by default.

    Returns:
        The function's result, as JSON data.

    Raises:
        QueryUnknown: If the file has no such query.
        QueryFailed: If the function raises an exception.
        OperationRefused: If it is no workflow that can be asked, or its version is stored nowhere.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    answer = _ask(execution_id, StateQuestion(name.rpartition(".")[2], _spell(params)), None, journal)
    if "unknown" in answer:
        known = ", ".join(answer["unknown"]) or "none"
        raise QueryUnknown(f"{execution_id} has no query {name}; its file has: {known}")
    if "err" in answer:
        raise QueryFailed(f"{name}: {answer['err']}", str(answer.get("trace", "")))
    return answer["ok"]


def locals_at(
    execution_id: ExecutionId, version: int | None = None, *, journal: Journal | None = None
) -> list[dict[str, Any]]:
    """Return the local variables of a workflow's frames where it made the call that recorded an event.

    Args:
        execution_id: Which one.
        version: The event; one that the workflow did not record itself stands for the next that it did. By default the
            point where it waits now; a workflow that has returned has no frames.
        journal: Where it stands; the calling thread's database connection by default.

    Returns:
        The frames, the innermost first: ``{"function", "file", "line", "locals": {name: repr}}``.

    Raises:
        WorkflowDiverges: If the workflow does not come there.
        NoAnswers: If its component cannot tell, as compiled ones.
        OperationRefused: If there is no such event, or it is no workflow that can be asked.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    frames: list[dict[str, Any]] = _ask(execution_id, StateQuestion(), version, journal)["frames"]
    return frames


def _ask(
    execution_id: ExecutionId, question: StateQuestion, version: int | None, journal: Journal | None
) -> dict[str, Any]:
    journal = journal or SqlJournal.for_current_connection()
    subject, function, registry = load_workflow(journal, execution_id)
    if version is not None and not 1 <= version < len(subject.entries):
        raise OperationRefused(
            f"{execution_id} has the events 1 to {len(subject.entries) - 1} to look at, not {version}"
        )
    try:
        return ask(make_replayer(journal), subject, function, registry, question, version=version)
    except HistoryNotFollowed as error:
        raise WorkflowDiverges(str(error)) from error
    except NotAskable as error:
        raise NoAnswers(str(error)) from error
    except Unanswered as error:
        raise OperationRefused(str(error)) from error


def _spell(params: Sequence[Any]) -> str:
    if isinstance(params, str | bytes) or not isinstance(params, Sequence):
        raise OperationRefused("the parameters of a query must be a JSON array")
    text = orjson.dumps(list(params)).decode()
    if len(text) > MAX_JSON_BYTES:
        raise OperationRefused(f"the parameters of a query may have {MAX_JSON_BYTES} bytes at most")
    return text
