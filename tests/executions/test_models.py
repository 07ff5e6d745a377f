from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import ProtectedError
from msgspec.structs import replace

from engine.log import events as e
from engine.log.ids import child_id
from executions.instants import to_micros
from executions.journal.journal import SqlJournal
from executions.models import (
    Delay,
    Event,
    Execution,
    ExecutionQuerySet,
    ExecutorHeartbeat,
    JoinSetResponse,
    LogLine,
)
from tests.builders import (
    FFQN,
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
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db

E1, E2, E3, E4 = (make_execution_id(number) for number in (1, 2, 3, 4))


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


@pytest.fixture
def family(journal: SqlJournal) -> Execution:
    """E1, blocked on the second of its two children, with a delay; the first child has responded."""
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    requests = [make_child_request(E1, number) for number in (1, 2)]
    children = [make_child(E1, number) for number in (1, 2)]
    delay = make_delay_request(E1, expires_at=after(5))
    commit(journal, make_append(E1, *requests, delay, expected=3, created=children))
    commit(journal, make_child_end(E1, 1))
    events = (make_join_next(), make_join_next())
    commit(journal, make_append(E1, *events, expected=6, awaits=True, seen=1))
    return Execution.objects.get(pk=E1)


# --- What the database refuses ----------------------------------------------------------------------------------------


def refused(change: Callable[[], object]) -> str:
    """Try a change that must break a constraint, and return which."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        change()
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"status": "asleep", "join_set_id": None}, "execution_status_known"),
        ({"lifecycle": "bored"}, "execution_lifecycle_known"),
        ({"next_version": 0}, "execution_begins_with_created"),
        ({"response_count": -1}, "response_count"),
        ({"temporary_failures": -1}, "temporary_failures"),
        ({"run_id": None}, "execution_holder_whole"),
        (
            {"status": "locked", "join_set_id": None, "executor_id": None, "run_id": None},
            "execution_locked_has_holder",
        ),
        ({"status": "finished", "join_set_id": None}, "execution_finished_has_result"),
        ({"result_kind": "ok"}, "execution_finished_has_result"),
        ({"join_set_id": None}, "execution_blocked_has_join_set"),
        ({"status": "pending_at"}, "execution_blocked_has_join_set"),
        ({"status": "pending_at", "join_set_id": None, "closing": True}, "execution_blocked_has_join_set"),
        ({"status": "locked", "join_set_id": None, "lifecycle": "paused"}, "execution_paused_not_locked"),
        (
            {"status": "finished", "join_set_id": None, "result_kind": "ok", "lifecycle": "cancelling"},
            "execution_finished_is_active",
        ),
        ({"ffqn": None}, "ffqn"),
        ({"due_at": None}, "due_at"),
    ],
)
def test_a_state_that_cannot_be_is_refused(family: Execution, values: dict[str, Any], constraint: str) -> None:
    message = refused(lambda: Execution.objects.filter(pk=E1).update(**values))

    assert constraint in message


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"version": 1}, "version"),
        ({"version": 0}, "event_created_is_first"),
        ({"variant": "created"}, "event_created_is_first"),
        ({"variant": "history_event"}, "event_history_has_type"),
        ({"history_event_type": "persist"}, "event_history_has_type"),
    ],
)
def test_an_event_that_cannot_be_is_refused(family: Execution, values: dict[str, Any], constraint: str) -> None:
    columns = {"execution": family, "version": 99, "created_at": NOW, "variant": "paused", "payload": '"paused"'}

    message = refused(lambda: Event.objects.create(**(columns | values)))

    assert constraint in message


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"cursor": 1}, "cursor"),
        ({"cursor": 0}, "response_cursor_from_one"),
        ({"child_execution_id": child_id(E1, JOIN_SET, 1), "finished_version": 1}, "child_execution_id"),
        ({"finished_version": None}, "response_child_or_delay"),
        ({"child_execution_id": None, "finished_version": None}, "response_child_or_delay"),
        ({"delay_id": "Delay_1", "delay_cancelled": False}, "response_child_or_delay"),
        ({"child_execution_id": None, "finished_version": None, "delay_id": "Delay_1"}, "response_child_or_delay"),
    ],
)
def test_a_response_that_cannot_be_is_refused(family: Execution, values: dict[str, Any], constraint: str) -> None:
    columns: dict[str, Any] = {
        "execution": family,
        "cursor": 9,
        "join_set_id": JOIN_SET,
        "created_at": NOW,
        "at_version": 8,
        "child_execution_id": "E_other",
        "finished_version": 1,
    }

    message = refused(lambda: JoinSetResponse.objects.create(**(columns | values)))

    assert constraint in message


@pytest.mark.parametrize("values", [{}, {"level": "info", "stream": "stdout"}, {"level": "loud"}, {"stream": "stdin"}])
def test_a_log_line_is_a_message_or_output(values: dict[str, Any]) -> None:
    message = refused(
        lambda: LogLine.objects.create(execution_id=E1, run_id="Run_1", created_at=NOW, message="", **values)
    )

    assert "log_line_message_or_stream" in message


def test_the_log_protects_what_it_is_about(family: Execution) -> None:
    with pytest.raises(ProtectedError):
        Execution.objects.filter(pk=E1).delete()


# --- Questions --------------------------------------------------------------------------------------------------------


def ids(found: ExecutionQuerySet) -> list[str]:
    return [execution.execution_id for execution in found]


def uses(found: models.QuerySet[Any], index: str) -> bool:
    plan = found.explain()
    return f"INDEX {index}" in plan and "TEMP B-TREE" not in plan


def test_pending_are_those_that_may_be_locked_now(journal: SqlJournal) -> None:
    commit(
        journal,
        make_submit(E1, make_created(scheduled_at=after(2))),
        make_submit(E2, make_created(scheduled_at=after(1))),
        make_submit(E3, make_created(scheduled_at=after(3))),
        make_submit(E4, make_created(), e.Paused()),
    )

    found = Execution.objects.pending(after(2))

    assert ids(found) == [E2, E1]
    assert uses(found, "execution_pending")


def test_expired_locks_are_the_active_ones(journal: SqlJournal) -> None:
    commit(
        journal,
        make_submit(E1, make_created(), make_locked(until=after(2))),
        make_submit(E2, make_created(), make_locked(until=after(1))),
        make_submit(E3, make_created(), make_locked(until=after(3))),
        make_submit(E4, make_created(), make_locked(until=after(1)), e.CancellationRequested()),
    )

    found = Execution.objects.expired_locks(after(2))

    assert ids(found) == [E2, E1]
    assert uses(found, "execution_locked")
    assert ids(Execution.objects.cancelling()) == [E4]
    assert uses(Execution.objects.cancelling(), "execution_cancelling")


def test_lists_come_newest_first_by_an_index(journal: SqlJournal, family: Execution) -> None:
    commit(journal, make_submit(E2, make_created(ffqn="test:pkg/api.other"), at=after(1)))
    commit(journal, make_submit(E3, make_created(), make_locked(), make_finished(), at=after(2)))

    top_level = Execution.objects.top_level().newest_first()
    in_progress = Execution.objects.unfinished().newest_first()
    of_function = Execution.objects.of_function(FFQN).order_by("-created_at")

    assert ids(top_level) == [E3, E2, E1]
    assert uses(top_level, "execution_top_level")
    assert ids(in_progress) == [E2, child_id(E1, JOIN_SET, 2), E1]
    assert uses(in_progress, "execution_unfinished")
    assert ids(of_function)[0] == E3
    assert uses(of_function, "execution_function")
    assert uses(Execution.objects.order_by("-created_at"), "execution_created")


def test_children_are_those_that_it_submitted_itself(journal: SqlJournal, family: Execution) -> None:
    child = child_id(E1, JOIN_SET, 2)
    request = make_child_request(child)
    commit(journal, make_append(child, make_locked(), request, expected=1, created=[make_child(child)]))

    found = Execution.objects.children_of(E1)

    assert sorted(ids(found)) == [child_id(E1, JOIN_SET, 1), child]
    assert uses(found, "sqlite_autoindex_executions_execution_1")


def test_due_delays_are_the_unpaused(journal: SqlJournal, family: Execution) -> None:
    (delay,) = Delay.objects.due(after(5))

    assert (delay.execution_id, delay.join_set_id) == (E1, JOIN_SET)
    assert not Delay.objects.due(after(4)).exists()
    assert uses(Delay.objects.due(after(5)), "delay_due")


def test_an_event_row_gives_its_entry(journal: SqlJournal, family: Execution) -> None:
    entries = [event.entry() for event in Event.objects.filter(execution=family).order_by("version")]

    assert entries == journal.load_log(E1)
    assert str(Event.objects.get(execution=family, version=6)) == f"{E1} #6 join_next"


def test_executors_are_alive_that_gave_a_sign_lately() -> None:
    for number, seen_at in enumerate((after(1), after(2))):
        ExecutorHeartbeat.objects.create(
            executor_id=f"Exr_{number}", host="h", pid=1, started_at=NOW, seen_at=seen_at, slots=1, running=0
        )

    assert [row.executor_id for row in ExecutorHeartbeat.objects.seen_since(after(2))] == ["Exr_1"]


def test_the_state_row_holds_instants_as_microseconds(family: Execution) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT due_at FROM executions_execution WHERE execution_id = %s", [E1])
        assert cursor.fetchone() == (to_micros(after(10)),)


def test_nobody_is_shown_the_seeds_of_an_execution(journal: SqlJournal) -> None:
    created = replace(
        make_created(), metadata=(("label:city", "Rome"), ("obelisk-seed", "5ec"), ("obelisk-lineage", "ret"))
    )
    commit(journal, make_submit(E1, created))
    event = Event.objects.get(execution_id=E1)

    shown = json.loads(event.public_payload)

    assert shown["created"]["metadata"] == {"label:city": "Rome"}
    assert {**shown["created"], "metadata": None} == {**json.loads(event.payload)["created"], "metadata": None}
