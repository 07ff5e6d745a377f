from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line

from engine.log import events as e
from engine.log.return_values import Returned
from executions.journal.journal import SqlJournal
from tests.builders import (
    DEPLOYMENT,
    FFQN,
    JOIN_SET,
    after,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_execution_id,
    make_finished,
    make_http_exchange,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db

E1, E2, E3, E4 = (make_execution_id(number) for number in (1, 2, 3, 4))
TRACED = make_execution_id(5)
CHILD = f"{E1}.n:work_1"
TRACE = f"""  File "{"shop/" * 20}app.py", line 3, in pay
    raise ValueError
ValueError"""


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


@pytest.fixture(autouse=True)
def executions(journal: SqlJournal) -> None:
    """E1 waits for its second child, E2 has ended well, E3 with an error, E4 is paused; a second lies between them."""
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    requests = [make_child_request(E1, number) for number in (1, 2)]
    children = [make_child(E1, number) for number in (1, 2)]
    commit(journal, make_append(E1, *requests, expected=3, created=children))
    commit(journal, make_child_end(E1, 1))
    joins = (make_join_next(), make_join_next())
    commit(journal, make_append(E1, *joins, expected=5, awaits=True, seen=1))
    failed = e.Finished(retval=Returned(ok=False, payload=None))
    commit(journal, make_submit(E2, make_created(ffqn="test:pkg/api.ok"), make_finished(), at=after(1)))
    commit(journal, make_submit(E3, make_created(params='["\N{BLACK STAR}"]'), failed, at=after(2)))
    commit(journal, make_submit(E4, make_created(), e.Paused(), at=after(3)))


def submit_traced(journal: SqlJournal) -> None:
    failed = e.Finished(retval=Returned(ok=False, payload=None), detail=TRACE)
    commit(journal, make_submit(TRACED, make_created(), failed))


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("execution", *[str(argument) for argument in arguments], stdout=out, no_color=True)
    return out.getvalue()


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json"))


def listed(*arguments: object) -> list[str]:
    return [each["execution_id"] for each in run_json("list", *arguments)]


# --- list -------------------------------------------------------------------------------------------------------------


def test_the_list_has_the_newest_first_and_a_line_each() -> None:
    assert run("list").splitlines() == [
        f"{E4}  2026-01-01 00:00:03  paused (pending_at)           {FFQN}",
        f"{E3}  2026-01-01 00:00:02  finished: error               {FFQN}",
        f"{E2}  2026-01-01 00:00:01  finished: ok                  test:pkg/api.ok",
        f"{E1}  2026-01-01 00:00:00  blocked_by_join_set n:work    {FFQN}",
    ]


def test_the_list_can_be_narrowed() -> None:
    assert listed("--function", "test:pkg/api.ok") == [E2]
    assert listed("--status", "finished") == [E3, E2]
    assert listed("--limit", 2) == [E4, E3]
    assert listed("--limit", 0) == []


def test_children_are_listed_on_request() -> None:
    assert CHILD not in listed()
    assert set(listed("--children")) == {E1, E2, E3, E4, CHILD, f"{E1}.n:work_2"}


def test_a_list_of_nothing_says_so() -> None:
    assert run("list", "--function", "test:pkg/api.nobody") == "no executions\n"
    assert run_json("list", "--function", "test:pkg/api.nobody") == []


# --- show -------------------------------------------------------------------------------------------------------------


def test_one_execution_is_shown_with_what_it_waits_for() -> None:
    shown = run_json("show", E1)

    assert shown == {
        "execution_id": E1,
        "ffqn": FFQN,
        "status": "blocked_by_join_set",
        "lifecycle": "active",
        "result_kind": None,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "finished_at": None,
        "component": "worker",
        "deployment_id": DEPLOYMENT,
        "events": 7,
        "responses": 1,
        "children": 2,
        "params": [],
        "explanation": f"It waits at join set n:work for {E1}.n:work_2 (test:pkg/api.call), which is due, "
        "but no deployed component exports test:pkg/api.call; deploy one that does.",
        "operations": [],
    }


def test_for_people_what_is_not_there_is_left_out() -> None:
    lines = dict(line.split(maxsplit=1) for line in run("show", E2).splitlines())

    assert lines["status"] == "finished"
    assert lines["finished_at"] == "2026-01-01T00:00:01.000000Z"
    assert lines["params"] == "[]"
    assert "explanation" not in lines


def test_a_child_is_shown_like_any_other() -> None:
    assert run_json("show", CHILD)["result_kind"] == "ok"


# --- events -----------------------------------------------------------------------------------------------------------


def test_the_log_is_printed_a_line_an_event() -> None:
    lines = run("events", E1).splitlines()

    assert [line.split()[:3] for line in lines] == [
        [str(version), "00:00:00.000000", kind]
        for version, kind in enumerate(
            ["created", "locked", "join_set_create", "join_set_request", "join_set_request", "join_next", "join_next"]
        )
    ]
    assert all(len(line) < 150 for line in lines)


def test_part_of_a_log_can_be_printed() -> None:
    versions = [each["version"] for each in run_json("events", E1, "--from", 2, "--limit", 3)]

    assert versions == [2, 3, 4]


def test_as_json_events_are_whole() -> None:
    created, finished = run_json("events", E3)

    assert created["version"] == 0
    assert created["created_at"] == "2026-01-01T00:00:02.000000Z"
    assert created["event"]["created"]["params"] == ["\N{BLACK STAR}"]
    assert finished["event"] == {"finished": {"retval": {"err": None}}}


def test_the_trace_of_a_failure_is_printed_below_its_event(journal: SqlJournal) -> None:
    submit_traced(journal)

    assert run("events", TRACED).splitlines()[2:] == [f"        {line}" for line in TRACE.splitlines()]
    assert run_json("events", TRACED)[1]["event"]["finished"]["detail"] == TRACE


# --- http -------------------------------------------------------------------------------------------------------------


def test_http_requests_are_printed_in_order_with_what_became_of_them(journal: SqlJournal) -> None:
    denied = make_http_exchange(E1, url="http://b.test/y?key=SECRET_1", status=None, error="HTTP-request-denied: no")
    journal.add_http_exchanges([make_http_exchange(E1), make_http_exchange(E2, url="http://other.test/"), denied])

    assert run("http", E1).splitlines() == [
        "2026-01-01T00:00:00.000000Z       5.0 ms  200  GET http://a.test/x  (0 bytes out, 2 in)",
        "2026-01-01T00:00:00.000000Z       5.0 ms  ---  GET http://b.test/y?key=SECRET_1  (0 bytes out, 2 in)",
        "        HTTP-request-denied: no",
    ]
    assert run_json("http", E1)[0] == {
        "started_at": "2026-01-01T00:00:00.000000Z",
        "duration_us": 5000,
        "run_id": "Run_1",
        "method": "GET",
        "url": "http://a.test/x",
        "status": 200,
        "error": None,
        "request_bytes": 0,
        "response_bytes": 2,
    }
    assert [each["url"] for each in run_json("http", E1, "--limit", 1)] == [denied.url]
    assert run_json("http", E4) == []


# --- result -----------------------------------------------------------------------------------------------------------


def test_a_result_is_printed() -> None:
    assert run("result", E2) == '{"ok": 55}\n'
    assert run_json("result", E2) == {"execution_id": E2, "result": {"ok": 55}}


def test_the_result_of_what_failed_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("execution", "result", E3)

    assert caught.value.code == 1
    assert capsys.readouterr().out == '{"err": null}\n'


def test_the_trace_of_a_failure_is_printed_beside_its_result(
    journal: SqlJournal, capsys: pytest.CaptureFixture[str]
) -> None:
    submit_traced(journal)

    with pytest.raises(SystemExit):
        call_command("execution", "result", TRACED, no_color=True)
    printed = capsys.readouterr()
    assert printed.out == '{"err": null}\n'
    assert printed.err == f"{TRACE}\n"

    with pytest.raises(SystemExit):
        call_command("execution", "result", TRACED, "--json")
    assert json.loads(capsys.readouterr().out)["detail"] == TRACE


def test_what_has_not_finished_has_no_result() -> None:
    with pytest.raises(CommandError, match=f"^{E1} has not finished: blocked_by_join_set$"):
        run("result", E1)


# --- Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["show", "events", "result"])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (make_execution_id(9), f"execution {make_execution_id(9)} not found"),
        (f"{E1}.n:work_3", f"execution {E1}.n:work_3 not found"),
        ("7", "'7' is not an execution id: it must start with E_"),
        (f"{E1}.work_1", f"'{E1}.work_1': 'work' is not a join set id such as `n:name`, `g:1` or `o:1-call`"),
    ],
)
def test_an_id_of_nothing_is_refused(action: str, text: str, sentence: str) -> None:
    with pytest.raises(CommandError) as caught:
        run(action, text)

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("list", "--limit", "-1"), "argument --limit: -1 is not a number from 0 on"),
        (("list", "--limit", "x"), "argument --limit: x is not a number from 0 on"),
        (("list", "--status", "asleep"), "argument --status: invalid choice: 'asleep'"),
        (("events", E1, "--from", "-1"), "argument --from: -1 is not a number from 0 on"),
        (("pause", E1, "--reason", "x" * 501), "argument --reason: a reason is one line of at most 500 characters"),
        (("show",), "the following arguments are required: execution_id"),
        ((), "the following arguments are required: list|show|events|result"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        execute_from_command_line(["manage.py", "execution", *arguments])

    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("action", [(), ("list",), ("show",), ("events",), ("result",)])
def test_the_command_explains_itself(action: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("execution", *action, "--help")

    assert caught.value.code == 0
    assert "execution" in capsys.readouterr().out


# --- Operating --------------------------------------------------------------------------------------------------------


def test_an_execution_is_paused_and_goes_on() -> None:
    assert run("pause", E1) == f"{E1}: paused\n"
    with pytest.raises(CommandError, match="it is paused already"):
        run("pause", E1)
    assert json.loads(run("unpause", E1, "--json")) == {"execution_id": E1, "outcome": "unpaused"}


def test_who_operates_and_why_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    run("pause", E1, "--reason", "a look")
    run("unpause", E1)

    paused, unpaused = run_json("show", E1)["operations"]
    assert paused == {
        "at": paused["at"],
        "operation": "pause",
        "detail": "",
        "actor": "command:ann",
        "reason": "a look",
    }
    assert (unpaused["operation"], unpaused["reason"]) == ("unpause", "")
    assert run("show", E1).splitlines()[-2:] == [
        f"{paused['at']}  pause by command:ann (a look)",
        f"{unpaused['at']}  unpause by command:ann",
    ]


def test_only_what_can_be_cancelled_is() -> None:
    with pytest.raises(CommandError, match=f"{E1}: cannot cancel, execution is not a cancellable workflow"):
        run("cancel", E1)
    with pytest.raises(CommandError, match=f"{E2}: already finished"):
        run("cancel", E2)

    assert run("cancel", f"{E1}.n:work_2") == f"{E1}.n:work_2: cancellation requested\n"
