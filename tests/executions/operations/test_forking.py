from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.services import deploy
from engine.errors import JournalError
from engine.log.events import HISTORY_EVENTS, ChildRequested, Created, Finished, JoinNext, Locked
from engine.log.ids import ExecutionId
from engine.log.retval_json import retval_to_api
from engine.replay.outcomes import Advanceable, FinishedReplay, ReplayFailed, ReplayOutcome
from executions.component_versions import VersionMissing
from executions.journal.journal import SqlJournal
from executions.models import Delay, Execution
from executions.operations.answering import AnswerRefused
from executions.operations.forking import Edits, ForkRefused, fork, try_fork
from executions.operations.pausing import unpause
from executions.operations.replaying import NoWorkflow, replay
from executions.operations.submitting import CallRefused, submit
from executions.testing import DeployedApp, deployed
from tests.components_app.builders import TEST_COMPONENTS
from tests.engine.journal.commits import assert_state_is_folded
from tests.executions.scripts import ADD, SLEEP_AND_SUM, SUM, SUM_UP, write_scripts
from tests.harness import steps as s
from tests.harness.components import RUN
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def versions(target: ExecutionId, kind: type) -> list[int]:
    return [entry.version for entry in journal().load_log(target) if isinstance(entry.event, kind)]


def run_to_end(app: DeployedApp, target: ExecutionId) -> Any:
    result = app.result(target)
    assert_state_is_folded(journal(), target)
    assert isinstance(replay(target), FinishedReplay)
    return result


STEPS = [
    s.create("a"),
    s.random_u64(0, 1_000_000),
    s.submit(0, "add", 1, 2),
    s.submit(0, "fail-unit"),
    s.submit_delay(0, s.NOW),
    s.join_next(0),
    s.random_string(5, 9),
    s.join_next(0),
    s.join_next(0),
    s.join_next_try(0),
    s.generate_id(),
    s.current_id(),
    s.sleep(s.after_ms(1)),
    s.call("add", 3, 4),
    s.random_u64(0, 1_000_000),
]


def test_a_fork_from_any_event_follows_the_history_and_ends() -> None:
    with deployed(TEST_COMPONENTS) as app:
        old = submit(RUN, s.params_of(STEPS)).execution_id
        whole = app.result(old)
        log = journal().load_log(old)

        forks = {version: fork(old, version) for version in range(len(log))}

        for version, target in forks.items():
            result = run_to_end(app, target)
            assert list(result) == ["ok"], (version, result)
            assert len(result["ok"]) == len(whole["ok"])
        assert journal().load_log(old) == log

        # Random values are the old ones up to the fork, and others behind it.
        values = (1, 6, 14)
        last = run_to_end(app, forks[len(log) - 1])["ok"]
        assert [last[value] for value in values] == [whole["ok"][value] for value in values]
        first = run_to_end(app, forks[0])["ok"]
        assert all(first[value] != whole["ok"][value] for value in values)


def test_a_fork_of_a_fork_has_both_histories() -> None:
    with deployed(TEST_COMPONENTS) as app:
        steps = [
            s.random_u64(0, 1_000_000),
            s.call("add", 1, 2),
            s.random_u64(0, 1_000_000),
            s.random_u64(0, 1_000_000),
        ]
        old = submit(RUN, s.params_of(steps)).execution_id
        oldest = app.result(old)["ok"]
        child = fork(old, versions(old, JoinNext)[0])
        middle = run_to_end(app, child)["ok"]
        end = versions(child, Finished)[0]

        youngest = run_to_end(app, fork(child, end - 1))["ok"]
        sibling = run_to_end(app, fork(child, 1))["ok"]

        assert middle[0] == oldest[0]
        assert middle[2:] != oldest[2:]
        assert youngest[2] == middle[2]
        assert sibling[0] == oldest[0]


def test_children_that_had_responded_are_there_and_others_begin_anew(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        old = app.submit(SUM, [1, 2, 3])
        app.result(old)
        (_, second, _) = versions(old, ChildRequested)

        target = fork(old, second, paused=True)

        kept, anew = (ExecutionId(f"{target}.o:{number}-add_1") for number in (1, 2))
        assert [type(entry.event) for entry in journal().load_log(kept)] == [Created, Finished]
        # Though the fork waits, its children do not.
        assert app.result(anew) == {"ok": 3}
        assert any(isinstance(entry.event, Locked) for entry in journal().load_log(anew))
        metadata = dict(journal().load_log(target)[0].event.metadata)  # type: ignore[union-attr]  # its creation
        assert metadata["forked-from"] == f"{old}@{second}"
        unpause(target)
        assert run_to_end(app, target) == {"ok": 6}


def test_a_delay_that_was_open_begins_anew(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path, SLEEP_AND_SUM)) as app:
        old = app.submit(SUM, [1])
        eventually(lambda: journal().state_of(old).join_set_id is not None)

        target = fork(old, journal().state_of(old).next_version - 1, paused=True)

        first, second = Delay.objects.order_by("expires_at")
        assert (first.execution_id, second.execution_id) == (old, target)
        assert_state_is_folded(journal(), target)


# --- Edits ------------------------------------------------------------------------------------------------------------


def test_an_edited_result_counts_from_there_on(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        old = app.submit(SUM, [1, 2, 3])
        app.result(old)
        first = f"{old}.o:1-add_1"
        awaited = versions(old, JoinNext)[0]

        target = fork(old, awaited, edits=Edits(results={first: {"ok": 100}}))

        assert run_to_end(app, target) == {"ok": 105}
        assert app.result(ExecutionId(f"{target}.o:1-add_1")) == {"ok": 100}
        with pytest.raises(ForkRefused, match="the fork parts with the history") as caught:
            fork(old, versions(old, JoinNext)[1], edits=Edits(results={first: {"ok": 100}}))
        assert caught.value.version == versions(old, ChildRequested)[1]
        with pytest.raises(AnswerRefused, match="expected u32"):
            fork(old, awaited, edits=Edits(results={first: {"ok": "x"}}))
        with pytest.raises(ForkRefused, match="is no child whose result the fork would keep"):
            fork(old, awaited, edits=Edits(results={f"{old}.o:2-add_1": {"ok": 1}}))


def test_edited_parameters_must_lead_to_the_same_calls(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        old = app.submit(SUM, [1, 2, 3])
        app.result(old)
        first = versions(old, JoinNext)[0]

        assert run_to_end(app, fork(old, first, edits=Edits(params=[[1, 5]]))) == {"ok": 6}
        with pytest.raises(ForkRefused, match="the fork parts with the history"):
            fork(old, first, edits=Edits(params=[[9]]))
        assert run_to_end(app, fork(old, 0, edits=Edits(params=[[9]]))) == {"ok": 9}
        with pytest.raises(CallRefused):
            fork(old, 0, edits=Edits(params=["x"]))


def test_another_component_version_goes_on_from_the_fork(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        old = app.submit(SUM, [1, 2])
        app.result(old)
        awaited = versions(old, JoinNext)[1]
    with deployed(write_scripts(tmp_path, SUM_UP.replace("return total", "return total + 1000"))) as app:
        assert run_to_end(app, fork(old, awaited)) == {"ok": 1003}
        with pytest.raises(VersionMissing):
            fork(old, awaited, edits=Edits(digest="sha256:other"))


# --- Without effects --------------------------------------------------------------------------------------------------


def end_of(outcome: ReplayOutcome) -> Any:
    assert isinstance(outcome, Advanceable), outcome
    last = outcome.writes[-1].entries[-1].event
    return retval_to_api(last.retval) if isinstance(last, Finished) else last


def test_a_fork_that_is_tried_is_answered_with_recorded_results(tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        old = app.submit(SUM, [1, 2, 3])
        app.result(old)
    before = Execution.objects.count()
    deploy(write_scripts(tmp_path, SUM_UP.replace("return total", "return total + 1000")))

    assert end_of(try_fork(old, 0)) == {"ok": 1006}
    other = try_fork(old, 0, edits=Edits(params=[[1, 7]]))

    waits = end_of(other)
    assert isinstance(waits, JoinNext)
    assert waits.join_set_id == "o:2-add"
    deploy(write_scripts(tmp_path, SUM_UP.replace("add(total, number)", "add(number, total)")))
    assert isinstance(try_fork(old, versions(old, JoinNext)[2]), ReplayFailed)
    assert Execution.objects.count() == before


# --- What is refused --------------------------------------------------------------------------------------------------


def test_only_workflows_are_forked_from_events_that_they_have(tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    target = submit(SUM, [[1]]).execution_id

    for version in (-1, 1):
        with pytest.raises(ForkRefused, match=f"has the events 0 to 0, not {version}"):
            fork(target, version)
    with pytest.raises(NoWorkflow):
        fork(submit(ADD, [1, 2]).execution_id, 0)
    with pytest.raises(JournalError):
        fork(ExecutionId("E_01J00000000000000000009999"), 0)


def test_an_id_that_was_used_later_is_not_made_a_second_time() -> None:
    with deployed(TEST_COMPONENTS) as app:
        old = submit(RUN, s.params_of([s.typed_schedule(s.NOW, 1, 1), s.random_u64(0, 9)])).execution_id
        app.result(old)
        history = [entry for entry in journal().load_log(old) if isinstance(entry.event, HISTORY_EVENTS)]

        with pytest.raises(ForkRefused, match="under which an execution was started later"):
            fork(old, history[0].version)

        assert set(run_to_end(app, fork(old, history[1].version))) == {"ok"}
        assert set(run_to_end(app, fork(old, 0))) == {"ok"}
