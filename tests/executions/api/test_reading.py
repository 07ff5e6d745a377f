"""Reading executions by HTTP: lists, states, logs."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from engine.deployment.spec import LogLevel
from engine.journal.records import LogLine
from engine.log import events as e
from engine.log.ids import ExecutionId, RunId, child_id
from executions.journal.journal import SqlJournal
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
from tests.executions.api.clients import Api

pytestmark = pytest.mark.django_db

E1, E2, E3 = (make_execution_id(number) for number in (1, 2, 3))
CHILD = child_id(E1, JOIN_SET, 1)
RUN = RunId("Run_01KBNHM5FQW81KP5Y3XMNX31K4")


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


@pytest.fixture
def family(journal: SqlJournal) -> ExecutionId:
    """E1, blocked; its first child has responded and a delay was cancelled."""
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    requests = [make_child_request(E1, number) for number in (1, 2)]
    children = [make_child(E1, number) for number in (1, 2)]
    commit(
        journal, make_append(E1, *requests, make_delay_request(E1, expires_at=after(5)), expected=3, created=children)
    )
    commit(journal, make_child_end(E1, 1))
    commit(journal, make_append(E1, make_join_next(), make_join_next(), expected=6, awaits=True, seen=1))
    return E1


# --- Lists ------------------------------------------------------------------------------------------------------------


def test_a_list_can_be_paged_through_by_its_links(api: Api, journal: SqlJournal) -> None:
    for number in range(1, 6):
        commit(journal, make_submit(make_execution_id(number), make_created(), at=after(number)))
    seen = []
    path = "executions?length=2&function=" + FFQN
    while documents := (answer := api.get(path)).json:
        seen += [document["execution_id"] for document in documents]
        found = re.search(r'</v1/([^>]*)>; rel="next"', answer.headers["Link"])
        assert found is not None
        path = found[1]

    assert seen == [make_execution_id(number) for number in range(5, 0, -1)]


def test_a_list_says_what_obelisk_says(api: Api, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))

    (document,) = api.get("executions").json

    assert document.keys() == {
        *("execution_id", "ffqn", "pending_state", "created_at", "first_scheduled_at"),
        *("component_digest", "component_type", "deployment_id", "labels"),
    }
    assert document["created_at"] == NOW.isoformat().replace("+00:00", "Z")


def test_a_length_beyond_the_most_is_taken_for_the_most(api: Api) -> None:
    assert api.get("executions?length=65535").status == 200
    assert api.get("executions?length=0").json == []


# --- States -----------------------------------------------------------------------------------------------------------

LOCK: dict[str, Any] = {"executor_id": "", "run_id": ""}


@pytest.mark.parametrize(
    ("events", "keys", "inner", "text"),
    [
        ([], {"status", "scheduled_at", "last_lock"}, None, "Pending at "),
        ([make_locked()], {"status", "locked_by", "lock_expires_at"}, None, "Locked"),
        ([e.Paused()], {"status", "PendingAt"}, {"scheduled_at", "last_lock"}, "Paused"),
        ([e.CancellationRequested()], {"status", "PendingAt"}, {"scheduled_at", "last_lock"}, "Cancelling"),
        (
            [make_locked(), e.CancellationRequested()],
            {"status", "Locked"},
            {"locked_by", "lock_expires_at"},
            "Cancelling",
        ),
        ([make_locked(), make_finished()], {"status", "version", "finished_at", "result_kind"}, None, "Finished: OK"),
    ],
)
def test_each_state_has_its_form(
    api: Api, journal: SqlJournal, events: list[Any], keys: set[str], inner: set[str] | None, text: str
) -> None:
    commit(journal, make_submit(E1, make_created(), *events))

    state = api.get(f"executions/{E1}/status").json["pending_state"]

    assert state.keys() == keys
    if inner is not None:
        (name,) = keys - {"status"}
        assert state[name].keys() == inner
    assert api.get(f"executions/{E1}/status", Accept="text/plain").text.startswith(text)


def test_a_blocked_one_says_where_and_why(api: Api, family: ExecutionId) -> None:
    document = api.get(f"executions/{family}/status").json

    assert document["pending_state"]["status"] == "blocked_by_join_set"
    assert document["pending_state"]["join_set_id"] == JOIN_SET
    assert document["pending_state"]["closing"] is False
    assert document["explanation"].startswith(f"It waits at join set {JOIN_SET} for ")
    assert api.get(f"executions/{family}/status", Accept="text/plain").text == f"Blocked by {JOIN_SET}"


# --- Events -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "versions"),
    [
        ("", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("?length=2", [0, 1]),
        ("?length=2&version=1", [2, 3]),
        ("?length=2&version=1&including_cursor=true", [1, 2]),
        ("?length=2&direction=older", [6, 7]),
        ("?length=2&direction=older&version=3", [1, 2]),
        ("?length=2&direction=older&version=3&including_cursor=true", [2, 3]),
        ("?version=7", []),
    ],
)
def test_the_log_is_read_from_any_version_both_ways(
    api: Api, family: ExecutionId, query: str, versions: list[int]
) -> None:
    document = api.get(f"executions/{family}/events{query}").json

    assert [event["version"] for event in document["events"]] == versions
    assert document["max_version"] == 7


def test_events_are_as_they_are_stored(api: Api, family: ExecutionId) -> None:
    (event,) = api.get(f"executions/{family}/events?version=2&including_cursor=true&length=1").json["events"]

    assert event["event"] == {"history_event": {"event": {"type": "join_set_create", "join_set_id": JOIN_SET}}}


# --- Responses --------------------------------------------------------------------------------------------------------


def test_responses_bring_what_children_returned_and_how_delays_ended(api: Api, family: ExecutionId) -> None:
    delay_id = api.get(f"executions/{family}/events?version=4&length=1").json["events"][0]["event"]["history_event"]
    api.put(f"delays/{delay_id['event']['request']['delay_id']}/cancel")

    document = api.get(f"executions/{family}/responses").json

    child, delay = (response["event"]["event"]["event"] for response in document["responses"])
    assert [response["cursor"] for response in document["responses"]] == [1, 2]
    assert document["responses"][0]["event"]["event"]["join_set_id"] == JOIN_SET
    assert (child["type"], child["child_execution_id"]) == ("child_execution_finished", CHILD)
    end = api.get(f"executions/{CHILD}/events?direction=older&length=1").json["events"][0]
    assert child["finished_version"] == end["version"]
    assert child["result"] == end["event"]["finished"]["retval"]
    assert (delay["type"], delay["result"]) == ("delay_finished", {"Err": None})
    assert (document["max_cursor"], document["scan_cursor"]) == (2, 2)


@pytest.mark.parametrize(
    ("query", "cursors", "scanned"),
    [
        ("?length=0", [], 0),
        ("?join_set=n:nobody", [], 1),
        ("?cursor=1", [], 1),
        ("?cursor=1&including_cursor=1", [1], 1),
    ],
)
def test_a_page_of_responses_says_how_far_it_looked(
    api: Api, family: ExecutionId, query: str, cursors: list[int], scanned: int
) -> None:
    document = api.get(f"executions/{family}/responses{query}").json

    assert [response["cursor"] for response in document["responses"]] == cursors
    assert document["scan_cursor"] == scanned


# --- Logs -------------------------------------------------------------------------------------------------------------


def line(execution_id: ExecutionId, second: int, *, level: LogLevel | None = None, message: str = "hi") -> LogLine:
    return LogLine(
        execution_id=execution_id,
        run_id=RUN,
        created_at=after(second),
        level=level,
        stream=None if level else "stdout",
        message=message,
    )


@pytest.fixture
def logs(journal: SqlJournal, family: ExecutionId) -> None:
    journal.add_log_lines(
        [
            line(E1, 1, level=LogLevel.INFO, message="first"),
            line(E1, 2, message="printed\n"),
            line(CHILD, 3, level=LogLevel.WARN, message="child"),
            line(E1, 4, level=LogLevel.ERROR, message="last"),
            line(E2, 5, level=LogLevel.ERROR, message="another's"),
        ]
    )


def contents(api: Api, query: str) -> list[str]:
    entries = api.get(f"executions/{E1}/logs{query}").json
    return [entry.get("message") or base64.b64decode(entry["payload"]).decode() for entry in entries]


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["first", "printed\n", "last"]),
        ("?show_derived=true", ["first", "printed\n", "child", "last"]),
        ("?show_streams=false", ["first", "last"]),
        ("?show_logs=false", ["printed\n"]),
        ("?show_logs=false&show_streams=false", []),
        ("?level=error&level=warn&show_streams=false", ["last"]),
        ("?stream_type=stderr", ["first", "last"]),
        ("?direction=older&length=1", ["last"]),
        (f"?after={after(1).isoformat().replace('+00:00', 'Z')}", ["printed\n", "last"]),
        (f"?cursor={after(2).isoformat().replace('+00:00', 'Z')}", ["last"]),
    ],
)
def test_log_entries_are_filtered(api: Api, query: str, expected: list[str]) -> None:
    assert contents(api, query) == expected


@pytest.mark.usefixtures("logs")
def test_log_entries_are_paged_by_their_cursors(api: Api) -> None:
    first, second = api.get(f"executions/{E1}/logs?length=2").json

    assert contents(api, f"?cursor={second['cursor']}") == ["last"]
    assert contents(api, f"?cursor={second['cursor']}&including_cursor=true") == ["printed\n", "last"]
    assert contents(api, f"?cursor={second['cursor']}&direction=older") == ["first"]
    assert first["type"] == "log"
    assert (second["type"], second["stream_type"], second["run_id"]) == ("stream", "stdout", RUN)


@pytest.mark.usefixtures("logs")
def test_as_text_a_log_entry_is_a_line(api: Api) -> None:
    plain = api.get(f"executions/{E1}/logs?length=2", Accept="text/plain").text
    full = api.get(f"executions/{E1}/logs?length=1&show_run_id=1&show_derived=1", Accept="text/plain").text

    instant = f"{after(1):%Y-%m-%dT%H:%M:%S.%f}000Z"
    assert plain.splitlines()[0] == f"{instant} [INFO ] first"
    assert plain.splitlines()[1].endswith(" [STDOUT] printed")
    assert full == f"{instant} [INFO ] {RUN} {E1} first\n"


@pytest.mark.parametrize("cursor", ["nonsense", "bG9nOng=", "bG9nOi0x", "bG9n", "%00"])
def test_a_cursor_of_no_log_entry_is_refused(api: Api, family: ExecutionId, cursor: str) -> None:
    assert api.get(f"executions/{family}/logs?cursor={cursor}").status == 400
