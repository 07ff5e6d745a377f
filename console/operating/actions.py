"""The operations: who may carry them out, when they are possible, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from console.debugger.partings import compare_url
from console.operating.advancing import AdvanceForm, carry_out_advance, why_not_to_advance
from console.operating.forms import (
    ExcludeForm,
    ForkForm,
    OperationForm,
    QueryForm,
    QuestionForm,
    SignalForm,
    UpgradeForm,
)
from console.operating.outcomes import Answer, Done, Outcome
from console.seeing import payload
from engine.deployment.spec import ComponentType
from engine.journal.protocol import Journal
from engine.log.ids import ExecutionId
from engine.log.retval_json import retval_to_api
from engine.log.state import Lifecycle, Status
from engine.replay.outcomes import Advanceable, Blocked, FinishedReplay, ReplayFailed, ReplayOutcome
from executions.access.scopes import Scope
from executions.deployed import deployed_registry
from executions.models import Execution
from executions.operations.cancelling import cancel
from executions.operations.captured_writes import encode_captured_write
from executions.operations.excluding import exclude, include, version_for
from executions.operations.forking import Edits, fork, try_fork
from executions.operations.pausing import pause, unpause
from executions.operations.querying import query
from executions.operations.recording import Operation
from executions.operations.refusals import OperationRefused
from executions.operations.replay_places import replay_place
from executions.operations.replaying import replay
from executions.operations.retrying import retry
from executions.operations.signalling import send
from executions.operations.upgrading import UpgradeFails, upgrade

Data = Mapping[str, Any]
"""What the form holds, cleaned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An operation on one execution.

    Args:
        key: In addresses.
        title: On its button.
        icon: Ligature of the icon font.
        scope: Who may carry it out.
        record: As what it is recorded; ``None`` if it changes nothing.
        says: What will happen, in one or two sentences.
        obstacle: Returns why it is not possible as things stand, or ``None``.
        carry_out: Does it. Raises `EngineError` if it is refused.
        detail: Returns what else its record says.
        form: What has to be known.
        template: What its page looks like.
        is_grave: Whether it cannot be taken back.
    """

    key: str
    title: str
    icon: str
    scope: Scope
    record: Operation | None
    says: str
    obstacle: Callable[[Execution], str | None]
    carry_out: Callable[[Execution, Data, Journal | None], Outcome]
    detail: Callable[[Execution, Data], str] = lambda _row, _data: ""
    form: type[OperationForm] = OperationForm
    template: str = "operating/form.html"
    is_grave: bool = False


def _id(row: Execution) -> ExecutionId:
    return ExecutionId(row.pk)


def _is_over(row: Execution) -> bool:
    return row.status == Status.FINISHED.value


def _unless_over(row: Execution) -> str | None:
    return "It has finished." if _is_over(row) else None


def _workflow(row: Execution) -> str | None:
    return None if row.component_type == ComponentType.WORKFLOW.value else "It is no workflow."


def _open_workflow(row: Execution) -> str | None:
    return _workflow(row) or _unless_over(row)


def _can_pause(row: Execution) -> str | None:
    if row.lifecycle == Lifecycle.PAUSED.value:
        return "It is paused already."
    if row.lifecycle == Lifecycle.CANCELLING.value:
        return "It is being cancelled."
    return _unless_over(row)


def _can_unpause(row: Execution) -> str | None:
    return None if row.lifecycle == Lifecycle.PAUSED.value else "It is not paused."


def _can_cancel(row: Execution) -> str | None:
    return "It is being cancelled already." if row.lifecycle == Lifecycle.CANCELLING.value else _unless_over(row)


def _can_retry(row: Execution) -> str | None:
    if not _is_over(row):
        return "It has not finished."
    return "It has ended well." if row.result_kind == "ok" else None


def _cancel(row: Execution, _data: Data, journal: Journal | None) -> Outcome:
    outcome = cancel(_id(row), journal=journal)
    if not outcome.will_be_cancelled:
        raise OperationRefused(f"{outcome.value[0].upper()}{outcome.value[1:]}.")
    return Done(message=f"{outcome.value[0].upper()}{outcome.value[1:]}.")


def _pause(row: Execution, _data: Data, journal: Journal | None) -> Outcome:
    pause(_id(row), journal=journal)
    return Done(message="It is paused.")


def _unpause(row: Execution, _data: Data, journal: Journal | None) -> Outcome:
    unpause(_id(row), journal=journal)
    return Done(message="It goes on.")


def _retry(row: Execution, _data: Data, journal: Journal | None) -> Outcome:
    submitted = retry(_id(row), journal=journal)
    return Done(
        message=f"Submitted again; this is the new execution, a retry of {row.pk}.", goes_to=submitted.execution_id
    )


def _signal(row: Execution, data: Data, journal: Journal | None) -> Outcome:
    is_new = send(_id(row), data["name"], data["payload"], signal_id=data["signal_id"] or None, journal=journal)
    return Done(message="The signal was sent." if is_new else "A signal of this id had been sent before.")


def _query(row: Execution, data: Data, _journal: Journal | None) -> Outcome:
    params = data["params"] or []
    if not isinstance(params, list):
        raise OperationRefused("The parameters must be a JSON array.")
    with replay_place():
        answer = query(_id(row), data["name"], params)
    return Answer(message=f"{data['name']} answers:", value=orjson.dumps(answer).decode())


def _replay(row: Execution, _data: Data, _journal: Journal | None) -> Outcome:
    with replay_place():
        return _told(replay(_id(row)), compare_url(row.pk))


def _told(outcome: ReplayOutcome, compare_at: str | None = None) -> Answer:
    match outcome:
        case Advanceable(writes=writes):
            value = orjson.dumps([encode_captured_write(write) for write in writes]).decode()
            return Answer(message="It follows its history, and would go on like this:", value=value)
        case Blocked():
            return Answer(message="It follows its history, and waits.")
        case FinishedReplay(retval=retval):
            value = orjson.dumps(retval_to_api(retval)).decode()
            return Answer(message="Its log was reproduced completely; it ends with:", value=value)
        case ReplayFailed(error=error, version=version):
            place = "" if version is None else f" at event {version}"
            message = f"It does not follow its history{place}: {payload(str(error))}"
            return Answer(message=message, is_bad=True, compare_url=None if version is None else compare_at)


def _deployed_digest(row: Execution) -> str | None:
    function = deployed_registry().find(row.ffqn)
    return None if function is None else function.component.id.digest


def _can_upgrade(row: Execution) -> str | None:
    if _is_over(row):
        return "It has finished."
    digest = _deployed_digest(row)
    if digest is None:
        return "No deployed component has its function."
    return "It belongs to the deployed version." if digest == row.component_digest else None


def _upgrade(row: Execution, data: Data, journal: Journal | None) -> Outcome:
    new = _deployed_digest(row)
    if new is None:
        raise OperationRefused(f"No deployed component exports {row.ffqn}.")
    with replay_place():
        skip = data["skip_determinism_check"]
        try:
            upgrade(_id(row), row.component_digest, new, skip_determinism_check=skip, journal=journal)
        except UpgradeFails as error:
            return Answer(
                message=f"It was not upgraded. {payload(str(error))}",
                is_bad=True,
                compare_url=compare_url(row.pk, deployed_registry().deployment.id),
            )
    return Done(message=f"It belongs to the version {new[:19]}… now.")


def _exclude(row: Execution, data: Data, journal: Journal | None) -> Outcome:
    exclude(_id(row), data["deployment"], journal=journal)
    return Done(message=f"{data['deployment'].deployment.id} will not run it.")


def _can_include(row: Execution) -> str | None:
    if row.incompatible_digest is None:
        return "No version is kept from running it."
    return _open_workflow(row)


def _include(row: Execution, _data: Data, journal: Journal | None) -> Outcome:
    include(_id(row), journal=journal)
    return Done(message="Whatever is deployed may run it.")


def _fork(row: Execution, data: Data, journal: Journal | None) -> Outcome:
    results = data["results"]
    if results is not None and not isinstance(results, dict):
        raise OperationRefused("The results must be a JSON object by child id.")
    edits = Edits(params=data["params"], results=results)
    with replay_place():
        if data["dry_run"]:
            return _told(try_fork(_id(row), data["version"], edits=edits))
        forked = fork(_id(row), data["version"], edits=edits, paused=data["paused"], journal=journal)
    return Done(message=f"This is the fork of {row.pk} from event {data['version']}.", goes_to=forked)


_ACTIONS: Final = (
    Action(
        key="pause",
        title="Pause",
        icon="pause",
        scope=Scope.OPERATE,
        record=Operation.PAUSE,
        says="It will not be run until somebody unpauses it. Responses still arrive.",
        obstacle=_can_pause,
        carry_out=_pause,
    ),
    Action(
        key="unpause",
        title="Unpause",
        icon="resume",
        scope=Scope.OPERATE,
        record=Operation.UNPAUSE,
        says="It will be run again.",
        obstacle=_can_unpause,
        carry_out=_unpause,
    ),
    Action(
        key="cancel",
        title="Cancel",
        icon="stop_circle",
        scope=Scope.OPERATE,
        record=Operation.CANCEL,
        says="It will end as cancelled, a workflow after everything that it left open. This cannot be taken back.",
        obstacle=_can_cancel,
        carry_out=_cancel,
        is_grave=True,
    ),
    Action(
        key="retry",
        title="Retry",
        icon="replay",
        scope=Scope.SUBMIT,
        record=Operation.RETRY,
        says="The same call will be submitted again, as an execution of its own.",
        obstacle=_can_retry,
        carry_out=_retry,
    ),
    Action(
        key="signal",
        title="Send a signal",
        icon="send",
        scope=Scope.OPERATE,
        record=Operation.SIGNAL,
        says="The call of that function that waits longest returns the payload; if none waits, the next one will.",
        obstacle=_open_workflow,
        carry_out=_signal,
        detail=lambda _row, data: str(data["name"]),
        form=SignalForm,
    ),
    Action(
        key="query",
        title="Query",
        icon="help",
        scope=Scope.READ,
        record=None,
        says="A throw-away copy is replayed to the present point and asked. Nothing changes.",
        obstacle=_workflow,
        carry_out=_query,
        form=QueryForm,
    ),
    Action(
        key="replay",
        title="Replay",
        icon="fact_check",
        scope=Scope.OPERATE,
        record=None,
        says="The workflow is run against its recorded history, without effects, to see whether the code follows it.",
        obstacle=_workflow,
        carry_out=_replay,
        form=QuestionForm,
    ),
    Action(
        key="advance",
        title="Advance",
        icon="step",
        scope=Scope.OPERATE,
        record=Operation.ADVANCE,
        says="What the workflow would do next is carried out up to where you cut, and it stays paused.",
        obstacle=why_not_to_advance,
        carry_out=carry_out_advance,
        detail=lambda _row, data: str(data["told"]),
        form=AdvanceForm,
        template="operating/advance.html",
    ),
    Action(
        key="upgrade",
        title="Upgrade",
        icon="upgrade",
        scope=Scope.OPERATE,
        record=Operation.UPGRADE,
        says="It will go on with the deployed version of its component, if that can follow its history.",
        obstacle=_can_upgrade,
        carry_out=_upgrade,
        detail=lambda row, _data: f"{row.component_digest} to {_deployed_digest(row)}",
        form=UpgradeForm,
    ),
    Action(
        key="exclude",
        title="Leave on old code",
        icon="history_toggle_off",
        scope=Scope.OPERATE,
        record=Operation.EXCLUDE,
        says="A deployment's version of its component will not run it. While that deployment is active it waits, "
        "until its own version is deployed again, or it is included.",
        obstacle=_open_workflow,
        carry_out=_exclude,
        detail=lambda row, data: version_for(row.ffqn, data["deployment"]),
        form=ExcludeForm,
    ),
    Action(
        key="include",
        title="Include again",
        icon="sync",
        scope=Scope.OPERATE,
        record=Operation.INCLUDE,
        says="It will be run by whatever version of its component is deployed, if that can follow its history.",
        obstacle=_can_include,
        carry_out=_include,
    ),
    Action(
        key="fork",
        title="Fork",
        icon="fork_right",
        scope=Scope.SUBMIT,
        record=Operation.FORK,
        says="A new execution begins with this one's history up to an event and goes on by itself.",
        obstacle=_workflow,
        carry_out=_fork,
        form=ForkForm,
    ),
)

ACTIONS: Final[Mapping[str, Action]] = {action.key: action for action in _ACTIONS}
