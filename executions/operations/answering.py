"""Answering stubs and external activities: executions whose result is brought from outside.

Source:
    Obelisk reference, sections 3.3 (``-stub``) and 9.2 (``PUT .../stub``); that external activities can be answered as
    well is ours.
"""

from __future__ import annotations

from django.utils import timezone

from components.operator import operator_limits
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import Runner
from engine.errors import AlreadyFinished, EngineError, JournalError, VersionConflict
from engine.executor.ends import end_of
from engine.executor.stubs import read_result as read_brought_result
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.log.return_values import Returned
from engine.log.retval_json import retval_text, retval_to_api
from engine.wit.json_values import dump_json
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.results import result_of


class AnswerRefused(EngineError):
    """A result that an execution cannot have; says why in one sentence."""


class NotAnswerable(AnswerRefused):
    """Nobody outside brings this execution's result."""


class AlreadyAnswered(AnswerRefused):
    """The execution has ended with another result."""


def answer(execution_id: ExecutionId, result: object, *, journal: Journal | None = None) -> bool:
    """Finish a stub or an external activity with a result; the same result again changes nothing.

    With the surrounding transaction, if there is one.

    Args:
        execution_id: Which one.
        result: JSON data: ``{"ok": value}`` or ``{"err": value}``, null where the type has no value.
        journal: Where to write; the calling thread's database connection by default.

    Returns:
        Whether this call ended it; ``False`` if it had this very result already.

    Raises:
        NotAnswerable: If it is not one to be answered.
        AnswerRefused: If the result is not of its type, or too large.
        AlreadyAnswered: If it has another result, or was cancelled.
        ExecutionNotFound: If there is no such execution.
        JournalUnavailable: If the storage did not answer.
    """
    journal = journal or SqlJournal.for_current_connection()
    function = _answerable(execution_id, journal.state_of(execution_id).ffqn)
    retval = read_result(function, result)
    while True:
        state = journal.state_of(execution_id)
        if state.is_finished:
            before = result_of(journal, execution_id)
            assert before is not None
            if retval_text(before) == retval_text(retval):
                return False
            shown = dump_json(retval_to_api(before))
            raise AlreadyAnswered(f"{execution_id} has ended already, with {shown[:200]}")
        now = timezone.now()
        (outcome,) = journal.commit([end_of(state, retval, now)], now=now).outcomes
        if isinstance(outcome, VersionConflict | AlreadyFinished):
            # Somebody else wrote meanwhile: look again.
            continue
        if isinstance(outcome, JournalError):
            raise outcome
        return True


def _answerable(execution_id: ExecutionId, ffqn: str) -> DeployedFunction:
    function = deployed_registry().find(ffqn)
    if function is None:
        raise NotAnswerable(f"{execution_id} is a call of {ffqn}, which is not deployed any more; deploy it to answer")
    if function.component.runner is not Runner.NONE:
        raise NotAnswerable(
            f"{execution_id} is a call of {ffqn}, which executors run; only stubs and external activities are answered"
        )
    return function


def read_result(function: DeployedFunction, result: object) -> Returned:
    """Return a function's result from JSON data.

    Raises:
        AnswerRefused: If it is not of its type, or too large.
    """
    retval = read_brought_result(function, result, operator_limits())
    if isinstance(retval, str):
        raise AnswerRefused(retval)
    return retval
