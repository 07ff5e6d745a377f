"""Whether workflows come to the same when they are run again: after a death anywhere, and by code that has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, zip_longest
from pathlib import Path

from engine.clock import SimulatedClock
from engine.deployment.spec import ComponentType
from engine.log.event_encoding import encode_event
from engine.log.events import HISTORY_EVENTS, Finished, HistoryEvent
from engine.log.ids import ExecutionId
from engine.log.return_values import CANCELLED, Failed, FailureKind, ReturnValue
from engine.log.retval_json import retval_text
from engine.log.state import result_kind_of
from engine.simulation.connection import Cut, Moment
from engine.simulation.family import family_of
from engine.simulation.recordings import Recorded, Recording
from engine.simulation.replaying import ReplayWrote, replay, resume
from engine.simulation.site import MakeExecutor
from engine.simulation.timeless import normalised
from engine.wit.options import JsonValue
from obelisk.testing.cast import Cast
from obelisk.testing.fakes import Fakes
from obelisk.testing.histories import read_history
from obelisk.testing.problems import ReplayDiffers
from obelisk.testing.stage import Stage

_NEVER = Cut(0, Moment.AFTER)
_SHOWN = 300

Histories = Mapping[ExecutionId, Sequence[HistoryEvent]]


def check_replay(cast: Cast, name: str, params: Sequence[JsonValue]) -> tuple[ExecutionId, ReturnValue]:
    """Run a workflow undisturbed, then killed after each write in turn.

    Returns:
        How the undisturbed run ended.

    Raises:
        ReplayDiffers: If another one came to something else.
        Stuck: If it does not end.
    """
    fakes = {key: fake.fresh() for key, fake in cast.fakes.items()}
    target, expected, retval, _ = _run(cast, name, params, fakes, cut=_NEVER)
    for number in count(1):
        again = {key: fake.again() for key, fake in fakes.items()}
        _, histories, ended, was_killed = _run(cast, name, params, again, cut=Cut(number, Moment.AFTER))
        if not was_killed:
            return target, retval
        what = f"{_label(cast, name)}, killed after write {number},"
        if (problem := _astray(ended)) is not None:
            raise ReplayDiffers(f"{what} {problem}")
        _compare(expected, histories, what=what)
        if ended != retval:
            raise ReplayDiffers(f"{what} ended with {_shown(ended)}, not {_shown(retval)}")
    raise AssertionError("a run has an end")


def replay_history(cast: Cast, path: Path) -> None:
    """Replay the workflows of a file.

    Raises:
        ReplayDiffers: If one does not follow its log.
        LookupError: If no imported file has the function.
        ValueError: If the file is none.
    """
    history = read_history(path)
    for execution_id, recorded in history.recording.items():
        state = recorded.state(execution_id)
        if state.component_id.component_type is not ComponentType.WORKFLOW:
            continue
        if cast.find(state.ffqn) is None:
            raise LookupError(f"{path} has a run of {state.ffqn}, which no imported file has; import the file first")
        problem = _replay_problem(cast, history.recording, execution_id, recorded)
        if problem is not None:
            raise ReplayDiffers(f"{path}: {_label(cast, state.ffqn)} {problem}")


def _replay_problem(cast: Cast, recording: Recording, target: ExecutionId, recorded: Recorded) -> str | None:
    fakes = {key: fake.fresh() for key, fake in cast.fakes.items()}

    def make_executor(clock: SimulatedClock) -> MakeExecutor:
        return Stage(cast.registry, fakes, cast.read, cast.describe, clock=clock).make_executor

    end = recorded.entries[-1].event
    if not isinstance(end, Finished):
        ended = resume(recording, target, make_executor=make_executor)
        return None if ended is None else _astray(ended)
    if end.retval == CANCELLED:
        return None  # somebody ended it from outside
    try:
        retval = replay(recording, target, make_executor=make_executor)
    except ReplayWrote as error:
        return str(error)
    if isinstance(end.retval, Failed):
        # Its wording is not part of what must stay the same.
        is_same = result_kind_of(retval) == result_kind_of(end.retval)
    else:
        is_same = retval == end.retval
    return None if is_same else _astray(retval) or f"ended with {_shown(end.retval)}, and now with {_shown(retval)}"


def _astray(retval: ReturnValue) -> str | None:
    """Return where a run left its history, if it did."""
    if not isinstance(retval, Failed) or retval.kind is not FailureKind.NONDETERMINISM_DETECTED:
        return None
    return f"does not follow its log: {retval.detail}"


def _run(
    cast: Cast, name: str, params: Sequence[JsonValue], fakes: Fakes, *, cut: Cut
) -> tuple[ExecutionId, Histories, ReturnValue, bool]:
    stage = Stage(cast.registry, fakes, cast.read, cast.describe, cut=cut)
    try:
        target = stage.submit(name, params)
        stage.run_to_the_end(target)
    finally:
        stage.close()
    end = stage.journal.load_log(target)[-1].event
    assert isinstance(end, Finished)
    histories = {
        member: normalised(
            entry.event for entry in stage.journal.load_log(member) if isinstance(entry.event, HISTORY_EVENTS)
        )
        for member in family_of(stage.journal, target)
    }
    return target, histories, end.retval, stage.is_killed


def _compare(expected: Histories, found: Histories, *, what: str) -> None:
    for member, history in expected.items():
        for number, (event, other) in enumerate(zip_longest(history, found.get(member, ())), 1):
            if event != other:
                raise ReplayDiffers(
                    f"{what} has another log: as step {number} of {member} it recorded "
                    f"{_event(other)}, not {_event(event)}"
                )


def _event(event: HistoryEvent | None) -> str:
    return "nothing" if event is None else encode_event(event)[:_SHOWN]


def _shown(retval: ReturnValue) -> str:
    return retval_text(retval)[:_SHOWN]


def _label(cast: Cast, name: str) -> str:
    return cast.describe(name).rpartition(" ")[2]
