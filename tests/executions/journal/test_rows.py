from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from msgspec.structs import replace

from engine.deployment.spec import LogLevel
from engine.errors import StoredEventInvalid
from engine.journal.records import DelayRow, LogLine
from engine.log import events as e
from engine.log.event_encoding import variant_of
from engine.log.ids import JoinSetId, Version, child_id, delay_id
from engine.log.state import ExecutionState, Lifecycle, Status, initial_state
from executions.instants import to_micros
from executions.journal import rows
from tests.builders import (
    JOIN_SET,
    NOW,
    after,
    make_child_response,
    make_created,
    make_delay_response,
    make_entries,
    make_execution_id,
    make_finished,
    make_holder,
    make_retval,
)
from tests.engine.log.samples import EVENTS

pytestmark = pytest.mark.usefixtures("either_database")

E1 = make_execution_id()


def make_state() -> ExecutionState:
    return initial_state(E1, make_entries(make_created())[0])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": Status.LOCKED, "holder": make_holder(3), "last_lock_version": Version(1), "max_retries": 0},
        {"status": Status.BLOCKED_BY_JOIN_SET, "join_set_id": JOIN_SET, "closing": True, "lifecycle": Lifecycle.PAUSED},
        {"status": Status.FINISHED, "result_kind": "timed_out", "due_at": after(1.000001)},
        {"temporary_failures": 3, "retry_backoff": timedelta(days=30, microseconds=1), "response_count": 7},
        {"scheduled_by": make_execution_id(2), "incompatible_digest": "sha256:0", "first_scheduled_at": after(-1)},
    ],
)
def test_a_state_is_read_back_as_it_was(changes: dict[str, object]) -> None:
    state = replace(make_state(), **changes)

    assert rows.state_of(rows.execution_row(state)) == state


def test_an_update_names_the_columns_that_change_and_no_others() -> None:
    state = make_state()

    assert rows.changed_values(state, state) == ((), ())
    assert rows.changed_values(state, replace(state, next_version=Version(4), response_count=2)) == (
        ("next_version", "response_count"),
        (4, 2),
    )
    assert rows.changed_values(state, replace(state, holder=make_holder(1)))[0] == ("executor_id", "run_id")


@pytest.mark.parametrize("join_set", ["n:", "n:a/b-c", "g:12", "o:1-call"])
def test_a_childs_join_set_is_read_off_its_id(join_set: str) -> None:
    parent = child_id(E1, JoinSetId("g:1"), 4)
    child = child_id(parent, JoinSetId(join_set), 12)
    state = replace(make_state(), execution_id=child, parent=(parent, JoinSetId(join_set)))

    assert rows.state_of(rows.execution_row(state)).parent == (parent, join_set)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_the_columns_of_an_event_agree_with_its_payload(event: e.ExecutionEvent) -> None:
    entry = e.LogEntry(Version(4), after(1), event)

    row = dict(zip(rows.EVENT_COLUMNS, rows.event_row(E1, entry), strict=True))

    stored = orjson.loads(str(row["payload"]))
    variant = stored if isinstance(stored, str) else next(iter(stored))
    inner = stored["history_event"]["event"] if variant == "history_event" else {}
    assert (row["execution_id"], row["version"], row["created_at"]) == (E1, 4, to_micros(after(1)))
    assert row["variant"] == variant == variant_of(event)
    assert row["history_event_type"] == inner.get("type")
    assert row["join_set_id"] == inner.get("join_set_id")
    assert rows.entry_of((row["version"], row["created_at"], row["payload"])) == entry


def test_a_log_that_does_not_start_with_created_is_refused() -> None:
    with pytest.raises(StoredEventInvalid, match="starts with created"):
        rows.created_of('"paused"')


def read_response(response: e.Response, payload: str | None) -> e.Response:
    row = dict(zip(rows.RESPONSE_COLUMNS, rows.response_row(response), strict=True))
    names = (
        "cursor",
        "at_version",
        "join_set_id",
        "created_at",
        "child_execution_id",
        "finished_version",
        "delay_id",
        "delay_cancelled",
    )
    return rows.response_of(E1, [*(row[name] for name in names), payload])


def test_a_childs_response_is_read_back_with_the_value_of_its_own_log() -> None:
    response = replace(make_child_response(E1, version=3, at_version=9, retval=make_retval(8)), cursor=2)
    payload = str(rows.event_row(E1, make_entries(make_finished(8))[0])[-1])

    assert read_response(response, payload) == response


@pytest.mark.parametrize("payload", [None, '"paused"'])
def test_a_response_without_an_end_is_refused(payload: str | None) -> None:
    with pytest.raises(StoredEventInvalid, match="did not finish at version 3"):
        read_response(make_child_response(E1, version=3), payload)


def test_a_delays_response_is_read_back() -> None:
    response = replace(make_delay_response(E1, at=after(2)), cursor=1)

    assert read_response(response, None) == response


@pytest.mark.parametrize("paused", [True, False])
def test_a_delay_is_read_back(*, paused: bool) -> None:
    delay = DelayRow(delay_id(E1, JOIN_SET, 1), E1, JOIN_SET, after(0.5), paused=paused)

    assert rows.delay_of(rows.delay_row(delay)) == delay


def test_a_log_line_holds_no_character_that_a_database_refuses() -> None:
    line = LogLine(execution_id=E1, run_id=make_holder().run_id, created_at=NOW, level=LogLevel.WARN, message="a\0b")

    row = dict(zip(rows.LOG_LINE_COLUMNS, rows.log_line_row(line), strict=True))

    assert row["message"] == "a␀b"
    assert (row["level"], row["stream"]) == ("warn", None)
