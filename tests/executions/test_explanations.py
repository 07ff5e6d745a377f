from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from engine.errors import NondeterminismDetected
from engine.executor.cron_seeds import make_seeds
from engine.journal.changes import Changes
from engine.log import events as e
from engine.log.ids import DelayId, ExecutionId, named_join_set
from engine.log.state import Lifecycle
from engine.simulation.recordings import Recorded, last_instant, parse_recording
from executions import due_details
from executions.deployed import deployed_registry
from executions.due_explanations import why_due_is_not_run
from executions.explanations import waited_for, why_not_moving
from executions.journal.commit import store
from executions.journal.journal import SqlJournal
from executions.liveness import beat
from executions.models import Delay, Execution, OperationRecord
from executions.operations.assigning import assign
from executions.operations.delays import pause_delay
from executions.operations.inbox import NOBODY, Assignee
from executions.operations.pausing import pause, unpause
from executions.operations.recording import Operation, RecordingJournal
from tests.builders import (
    DEPLOYMENT,
    JOIN_SET,
    NOW,
    after,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_delay_request,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit
from tests.executions.deployments import ADD, APPROVE, PING, deploy_declared, deploy_runnable
from tests.harness.recordings import cut

pytestmark = pytest.mark.django_db

HISTORIES = sorted((Path(__file__).parents[1] / "histories").glob("*.json"))

E1, E2 = (make_execution_id(number) for number in (1, 2))
EXECUTOR = make_holder().executor_id


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def explain(execution_id: ExecutionId = E1, *, now: datetime = NOW) -> str | None:
    return why_not_moving(Execution.objects.get(pk=execution_id), now=now)


def an_executor_is_alive(now: datetime = NOW, *, running: int = 1, deployment_id: str | None = None) -> None:
    beat(EXECUTOR, now=now, started_at=NOW, deployment_id=deployment_id, slots=1, running=running)


# --- Schedules --------------------------------------------------------------------------------------------------------


def test_a_tick_waits_for_an_executor_or_for_its_end(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_declared(tmp_path, f'[[cron]]\nname = "often"\nffqn = "{ADD}"\nparams = "[1, []]"\nschedule = "@hourly"\n')
    make_seeds(journal, deployed_registry(), NOW)
    seed = ExecutionId(Execution.objects.get().execution_id)

    assert explain(seed) == "It is due, but no executor is alive; start one with `manage.py run_executor`."
    an_executor_is_alive()
    assert explain(seed) == "It is due and will be run in a moment."
    deploy_declared(tmp_path)
    assert explain(seed) == "It is due, but its schedule is not deployed any more; an executor will end it."


# --- Whatever its state -----------------------------------------------------------------------------------------------


def test_what_has_finished_needs_no_explanation(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_finished()))

    assert explain() is None


def test_paused(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), e.Paused()))

    assert explain() == "It is paused since 2026-01-01 00:00:00 UTC; unpause it."


def test_paused_by_somebody(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))
    pause(E1, journal=RecordingJournal(E1, Operation.PAUSE, actor="user:ann", reason="the bank is closed"))
    at = OperationRecord.objects.get().at

    assert explain() == f"It is paused by user:ann since {at:%Y-%m-%d %H:%M:%S} UTC (the bank is closed); unpause it."


def test_created_paused_after_somebody_operated(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), e.Paused()))
    recorded = RecordingJournal(E1, Operation.UNPAUSE, actor="user:ann")
    unpause(E1, journal=recorded)
    commit(journal, make_append(E1, e.Paused(), expected=3, at=after(5)))

    assert explain() == "It is paused since 2026-01-01 00:00:05 UTC; unpause it."


def test_being_cancelled(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), e.CancellationRequested()))

    assert explain() == (
        "It is being cancelled since 2026-01-01 00:00:00 UTC and ends when an executor looks, "
        "but no executor is alive; start one with `manage.py run_executor`."
    )
    an_executor_is_alive()
    assert str(explain()).endswith("and ends as soon as an executor looks.")


def test_being_cancelled_while_a_run_goes_on(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), e.CancellationRequested()))

    assert str(explain()).endswith(f"and waits for its run on {EXECUTOR} to stop, until 00:00:10 UTC at the latest.")


def test_being_cancelled_while_a_child_must_be_awaited(journal: SqlJournal) -> None:
    block(journal, make_child_request(E1, 1))
    version = journal.state_of(E1).next_version
    commit(journal, make_append(E1, e.CancellationRequested(), expected=version))

    assert f"and waits for {E1}.n:work_1 (test:pkg/api.call), which is due" in str(explain(now=after(20)))


# --- Locked -----------------------------------------------------------------------------------------------------------


def test_running(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))

    assert explain() == f"It is running on {EXECUTOR}, whose lock lasts until 00:00:10 UTC."


def test_a_lock_that_expired_is_taken_over(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))
    an_executor_is_alive(after(10))

    assert explain(now=after(10)) == (
        f"It was running on {EXECUTOR}, whose lock expired at 00:00:10 UTC; another executor takes over."
    )


def test_a_lock_that_expired_when_nobody_is_there(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))

    assert explain(now=after(10)) == (
        f"It was running on {EXECUTOR}, whose lock expired at 00:00:10 UTC; "
        "but no executor is alive; start one with `manage.py run_executor`."
    )


# --- Blocked ----------------------------------------------------------------------------------------------------------


def block(journal: SqlJournal, *requests: e.ChildRequested | e.DelayRequested, closing: bool = False) -> None:
    """Have E1 wait at `JOIN_SET`, to which it submitted these."""
    children = [make_child(E1, number) for number, each in enumerate(requests, 1) if isinstance(each, e.ChildRequested)]
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    events = (*requests, make_join_next(closing=closing))
    commit(journal, make_append(E1, *events, expected=3, awaits=True, created=children))


CHILDS_REASON = "is due, but no deployed component exports test:pkg/api.call; deploy one that does"


def test_blocked_by_a_child(journal: SqlJournal) -> None:
    block(journal, make_child_request(E1, 1))

    assert explain() == f"It waits at join set n:work for {E1}.n:work_1 (test:pkg/api.call), which {CHILDS_REASON}."


def test_where_the_explanation_ends_is_what_is_waited_for(journal: SqlJournal) -> None:
    block(journal, make_child_request(E1, 1), make_child_request(E1, 2))
    child = Execution.objects.get(pk=f"{E1}.n:work_1")

    assert waited_for(Execution.objects.get(pk=E1)) == child
    assert waited_for(child) is None


def test_blocked_by_several_children(journal: SqlJournal) -> None:
    block(journal, *(make_child_request(E1, number) for number in (1, 2, 3)))

    assert explain() == (
        f"It waits at join set n:work for {E1}.n:work_1 (test:pkg/api.call) and 2 more, "
        f"the first of which {CHILDS_REASON}."
    )


def test_children_that_have_finished_are_not_waited_for(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    requests = [make_child_request(E1, number) for number in (1, 2)]
    children = [make_child(E1, number) for number in (1, 2)]
    commit(journal, make_append(E1, *requests, expected=3, created=children))
    commit(journal, make_child_end(E1, 1))
    events = (make_join_next(), make_join_next())
    commit(journal, make_append(E1, *events, expected=5, awaits=True, seen=1))

    assert explain() == f"It waits at join set n:work for {E1}.n:work_2 (test:pkg/api.call), which {CHILDS_REASON}."


def test_blocked_by_a_delay(journal: SqlJournal) -> None:
    block(journal, make_delay_request(E1, expires_at=after(90)))

    assert explain() == "It waits at join set n:work for a delay until 2026-01-01 00:01:30 UTC."


def test_blocked_by_a_child_or_a_delay(journal: SqlJournal) -> None:
    block(journal, make_child_request(E1, 1), make_delay_request(E1, expires_at=after(90)))

    assert explain() == (
        "It waits at join set n:work for a delay until 2026-01-01 00:01:30 UTC "
        f"or {E1}.n:work_1 (test:pkg/api.call), which {CHILDS_REASON}."
    )


def test_blocked_by_a_delay_that_never_fires(journal: SqlJournal) -> None:
    block(journal, make_delay_request(E1, expires_at=after(90), paused=True))

    assert explain() == "It waits at join set n:work for a delay that is paused."


def test_blocked_by_a_delay_that_somebody_paused(journal: SqlJournal) -> None:
    block(journal, make_delay_request(E1, expires_at=after(90)))
    delay = DelayId(Delay.objects.get().delay_id)
    pause_delay(delay, journal=RecordingJournal(E1, Operation.PAUSE_DELAY, actor="user:ann", detail=delay))
    at = OperationRecord.objects.get().at

    assert explain() == (
        f"It waits at join set n:work for a delay that is paused by user:ann since {at:%Y-%m-%d %H:%M:%S} UTC."
    )


def test_blocked_by_what_is_not_stored_yet(journal: SqlJournal) -> None:
    block(journal)

    assert explain() == "It waits at join set n:work for a response."


def test_closing(journal: SqlJournal) -> None:
    block(journal, make_child_request(E1, 1), closing=True)

    assert explain() == f"It closes join set n:work for {E1}.n:work_1 (test:pkg/api.call), which {CHILDS_REASON}."


def test_members_of_other_join_sets_are_not_waited_for(journal: SqlJournal) -> None:
    """The join set that waits has the name of one higher up, which stands in every id below it."""
    parent = commit_parent_and_return_its_child(journal)
    other = named_join_set("other")
    locked = make_locked(until=after(10))
    commit(
        journal,
        make_append(
            parent,
            locked,
            e.JoinSetCreated(join_set_id=JOIN_SET),
            e.JoinSetCreated(join_set_id=other),
            make_child_request(parent, 1, join_set=other),
            make_delay_request(parent, 1, join_set=other, expires_at=after(90)),
            make_join_next(),
            expected=1,
            awaits=True,
            created=[make_child(parent, 1, join_set=other)],
        ),
    )

    assert explain(parent) == "It waits at join set n:work for a response."


def commit_parent_and_return_its_child(journal: SqlJournal) -> ExecutionId:
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    child = make_child(E1, 1)
    commit(journal, make_append(E1, make_child_request(E1, 1), expected=3, created=[child]))
    return child.execution_id


# --- Pending ----------------------------------------------------------------------------------------------------------


def test_due_later(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(scheduled_at=after(90))))

    assert explain() == "It is due at 2026-01-01 00:01:30 UTC."


@pytest.mark.parametrize(("failures", "text"), [(1, "1 failed run"), (2, "2 failed runs")])
def test_due_again_after_failures(journal: SqlJournal, failures: int, text: str) -> None:
    runs = [event for _ in range(failures) for event in (make_locked(), failed())]
    commit(journal, make_submit(E1, make_created(), *runs[:-1], failed(after(90))))

    assert explain() == f"It is due at 2026-01-01 00:01:30 UTC after {text}, the last with: trap."


def test_due_again_after_an_attempt_that_took_too_long(journal: SqlJournal) -> None:
    late = e.TemporarilyTimedOut(backoff_expires_at=after(90))
    commit(journal, make_submit(E1, make_created(), make_locked(), late))

    assert str(explain()).endswith("after 1 failed run, the last of which took longer than it may.")


def failed(retry_at: datetime = NOW) -> e.TemporarilyFailed:
    return e.TemporarilyFailed(backoff_expires_at=retry_at, reason="trap")


def test_due_but_of_a_function_that_is_not_deployed(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(ffqn=PING)))
    an_executor_is_alive()

    assert explain() == f"It is due, but no deployed component exports {PING}; deploy one that does."


@pytest.mark.parametrize("ffqn", [ADD, APPROVE])
def test_due_but_for_somebody_else_to_carry_out(journal: SqlJournal, tmp_path: Path, ffqn: str) -> None:
    deploy_declared(tmp_path)
    commit(journal, make_submit(E1, make_created(ffqn=ffqn)))

    assert explain() == "It waits for its result to be supplied: nobody here carries it out."


def test_a_task_waits_for_whom_it_was_given_to(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_declared(tmp_path)
    commit(journal, make_submit(E1, make_created(ffqn=APPROVE)))
    tellers = Group.objects.create(name="tellers")

    assign(E1, tellers, seen=NOBODY, actor="user:ann")
    at = OperationRecord.objects.get().at
    assert explain() == (
        "It waits for the group tellers to supply its result; "
        f"given to them by user:ann since {at:%Y-%m-%d %H:%M:%S} UTC."
    )

    assign(E1, User.objects.create_user("bob"), seen=Assignee(group="tellers"), actor="user:ann", reason="he knows")
    assert str(explain()).startswith("It waits for bob to supply its result; given to them by user:ann since ")
    assert str(explain()).endswith(" (he knows).")


def test_due_but_with_a_history_that_the_deployed_version_cannot_replay(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    function = deployed_registry().find(PING)
    assert function is not None
    tried = e.ComponentUpgradeFinished(
        component_digest=function.component.id.digest,
        deployment_id=DEPLOYMENT,
        failure=str(NondeterminismDetected(version=41, recorded="call a with 'secret'", requested="call b")),
    )
    commit(journal, make_submit(E1, make_created(ffqn=PING), tried))
    an_executor_is_alive()

    begins = "It is due, but its history cannot be replayed by the deployed component version, they part at event 41"
    assert explain() == (
        f"{begins}: key does not match event stored at version 41: key: call b, event: call a with 'secret'."
    )
    row = Execution.objects.get(pk=E1)
    assert why_not_moving(row, now=NOW, with_values=False) == f"{begins}."
    # Told of all calls of the function, whatever became of each.
    assert why_due_is_not_run(row, NOW) == due_details.NOT_RUN_BY_DEPLOYED


def test_due_but_nobody_is_there(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    commit(journal, make_submit(E1, make_created(ffqn=PING)))

    assert explain() == "It is due, but no executor is alive; start one with `manage.py run_executor`."


def test_due_and_next_in_line(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    commit(journal, make_submit(E1, make_created(ffqn=PING)))
    an_executor_is_alive()

    assert explain() == "It is due and waits for a free executor slot; it is the next one."
    an_executor_is_alive(running=0)
    assert explain() == "It is due and will be run in a moment."


def test_due_but_the_executors_run_another_deployment(journal: SqlJournal, tmp_path: Path) -> None:
    deployment = deploy_runnable(tmp_path)
    commit(journal, make_submit(E1, make_created(ffqn=PING)))
    an_executor_is_alive(deployment_id="Dep_other")

    assert explain() == f"It is due, but no executor has taken up the deployment {deployment} yet."


def test_due_but_as_many_run_as_may(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_runnable(tmp_path, "exec.instance_limiter = 1")
    function = deployed_registry().find(PING)
    assert function is not None
    component = function.component.id
    commit(journal, make_submit(E1, make_created(ffqn=PING, component_id=component)))
    commit(journal, make_submit(E2, make_created(ffqn=PING), make_locked(component_id=component)))
    an_executor_is_alive()

    assert explain() == (
        f"It is due and waits for one of the 1 runs of ping ({E2}) to end: "
        "at most 1 go on in an executor (exec.instance_limiter); it is the next one."
    )


def test_due_behind_others(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    waiting = [make_execution_id(number) for number in (3, 1, 2, 4)]
    for second, execution_id in enumerate(waiting):
        commit(journal, make_submit(execution_id, make_created(ffqn=PING, scheduled_at=after(second))))
    # Nobody will run these: they stand in nobody's way.
    commit(journal, make_submit(make_execution_id(5), make_created(ffqn="test:gone/api.call")))
    commit(journal, make_submit(make_execution_id(6), make_created(ffqn=PING), e.Paused()))
    now = after(10)
    an_executor_is_alive(now)

    begins = "It is due and waits for a free executor slot; "
    since = "the oldest since 2026-01-01 00:00:00 UTC."
    assert [explain(execution_id, now=now) for execution_id in waiting] == [
        f"{begins}it is the next one.",
        f"{begins}1 is due before it, {since}",
        f"{begins}2 are due before it, {since}",
        f"{begins}3 are due before it, {since}",
    ]


def test_due_behind_more_than_are_counted(journal: SqlJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_details, "MOST_COUNTED", 2)
    monkeypatch.setattr(due_details, "LOOKED_AT", 4)
    deploy_runnable(tmp_path)
    for number in range(1, 8):
        commit(journal, make_submit(make_execution_id(number), make_created(ffqn=PING, scheduled_at=after(number))))
    now = after(10)
    an_executor_is_alive(now)

    assert "; 2 are due before it, the oldest since" in str(explain(make_execution_id(3), now=now))
    assert "; over 2 are due before it, the oldest since" in str(explain(make_execution_id(4), now=now))
    with CaptureQueriesContext(connection) as asked:
        assert "; over 2 are due before it, the oldest since" in str(explain(make_execution_id(7), now=now))
    (queue,) = (query["sql"] for query in asked if "LIMIT 4" in query["sql"])
    plan = connection.cursor().execute(f"EXPLAIN QUERY PLAN {queue}").fetchall()
    assert "USING INDEX execution_pending (due_at<?)" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_due_behind_others_of_its_component(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_runnable(tmp_path, "exec.instance_limiter = 1")
    function = deployed_registry().find(PING)
    assert function is not None
    component = function.component.id
    running = [make_execution_id(number) for number in range(3, 8)]
    for execution_id in running:
        created = make_created(ffqn=PING, component_id=component)
        commit(journal, make_submit(execution_id, created, make_locked(component_id=component)))
    for number in (1, 2):
        commit(journal, make_submit(make_execution_id(number), make_created(ffqn=PING, component_id=component)))
    an_executor_is_alive()

    assert explain(E2) == (
        f"It is due and waits for one of the 5 runs of ping ({', '.join(running[:3])} and 2 more) to end: at most 1 go "
        "on in an executor (exec.instance_limiter); 1 is due before it, the oldest since 2026-01-01 00:00:00 UTC."
    )


def test_due_but_only_another_version_may_run_it(journal: SqlJournal, tmp_path: Path) -> None:
    deploy_runnable(tmp_path, 'exec.locking_strategy = "by_component_digest"')
    commit(journal, make_submit(E1, make_created(ffqn=PING)))
    an_executor_is_alive()

    assert (
        explain() == f"It is due, but only the component version sha256:{'a' * 64} may run it, which is not deployed."
    )


def test_due_but_what_is_deployed_cannot_be_told_here(
    journal: SqlJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBELISK_TESTS_VARIABLE", "set")
    deploy_runnable(tmp_path, 'env_vars = ["OBELISK_TESTS_VARIABLE"]')
    monkeypatch.delenv("OBELISK_TESTS_VARIABLE")
    commit(journal, make_submit(E1, make_created(ffqn=PING)))

    answer = explain()

    assert answer is not None
    assert answer.startswith("It is due; what is deployed cannot be told here: ")
    assert "OBELISK_TESTS_VARIABLE" in answer


# --- At any time ------------------------------------------------------------------------------------------------------


def test_without_an_instant_the_answer_is_for_now(journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))

    # The lock expired long ago.
    assert "expired" in str(why_not_moving(Execution.objects.get(pk=E1)))


# --- Every state ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_every_moment_of_a_recorded_history_has_a_sentence(journal: SqlJournal, file: Path) -> None:
    recording = parse_recording(json.loads(file.read_text())["executions"])
    (target, *_) = recording
    later = last_instant(recording) + timedelta(days=1)
    for version in range(1, len(recording[target].entries) + 1):
        with transaction.atomic():
            for execution_id, recorded in cut(recording, target, version).items():
                insert(journal, execution_id, recorded)
            row = Execution.objects.get(pk=target)
            for lifecycle in Lifecycle:
                if row.status != "finished":
                    row.lifecycle = lifecycle.value
                for moment in (recording[target].entries[version - 1].created_at, later):
                    assert_is_explained(row, moment)
            transaction.set_rollback(True)


def insert(journal: SqlJournal, execution_id: ExecutionId, recorded: Recorded) -> None:
    state = recorded.state(execution_id)
    changes = Changes(
        inserted={execution_id: state},
        entries=[(execution_id, entry) for entry in recorded.entries],
        responses=list(recorded.responses),
    )
    with journal._writer.transaction() as statements:
        store(statements, changes)


def assert_is_explained(row: Execution, moment: datetime) -> None:
    sentence = why_not_moving(row, now=moment)
    if row.status == "finished":
        assert sentence is None
    else:
        assert sentence is not None
        assert sentence.startswith("It ")
        assert sentence.endswith(".")
        assert "None" not in sentence
