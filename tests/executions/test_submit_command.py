from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line

from engine.log.events import Finished
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, FailureKind, JsonText, Returned, ReturnValue, TypedValue
from engine.log.state import ExecutionState
from executions.following import Follower
from executions.journal.journal import SqlJournal
from executions.models import Execution
from tests.builders import make_append, make_execution_id
from tests.engine.journal.commits import commit
from tests.executions.deployments import ADD, APPROVE, deploy_declared

pytestmark = pytest.mark.django_db(transaction=True)

MINE = make_execution_id(7)
OK = Returned(ok=True, payload=TypedValue("u32", JsonText("55")))
ERROR = Returned(ok=False, payload=None)
FAILURE = Failed(kind=FailureKind.TIMED_OUT, reason=None)

Bystander = Callable[[ReturnValue], None]


@pytest.fixture(autouse=True)
def deployment_id(tmp_path: Path) -> str:
    return deploy_declared(tmp_path)


@pytest.fixture
def ends_with(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bystander]:
    """Has whatever is followed end with a value, once its follower has seen that it has not."""
    others = SqlJournal.dedicated()
    wait = Follower.wait

    def arrange(retval: ReturnValue) -> None:
        def end(state: ExecutionState) -> None:
            if not state.is_finished:
                commit(others, make_append(state.execution_id, Finished(retval=retval), expected=1))

        def wait_and_end(
            self: Follower,
            execution_id: ExecutionId,
            *,
            timeout_s: float | None,
            on_change: Callable[[ExecutionState], None],
        ) -> ReturnValue | None:
            return wait(self, execution_id, timeout_s=timeout_s, on_change=end)

        monkeypatch.setattr(Follower, "wait", wait_and_end)

    yield arrange
    others.close()


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("submit", *[str(argument) for argument in arguments], stdout=out, stderr=StringIO(), no_color=True)
    return out.getvalue()


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json"))


# --- Without following ------------------------------------------------------------------------------------------------


def test_the_id_of_the_new_execution_is_printed() -> None:
    printed = run(".../api.add", '[1, ["x"]]')

    row = Execution.objects.get()
    assert printed == f"{row.execution_id}\n"
    assert row.ffqn == ADD


def test_as_json_it_also_says_whether_it_is_new() -> None:
    assert run_json(ADD, "[1, []]", "-e", MINE) == {"execution_id": MINE, "is_new": True}
    assert run_json(ADD, "[1, []]", "-e", MINE) == {"execution_id": MINE, "is_new": False}


def test_parameters_may_be_left_out_where_there_are_none(tmp_path: Path) -> None:
    deploy_declared(tmp_path, '[[activity_external]]\nffqn = "test:adder/api.sum"\nparams = []\n')

    assert run("test:adder/api.sum") == f"{Execution.objects.get().execution_id}\n"


# --- Following --------------------------------------------------------------------------------------------------------


def test_the_result_is_the_last_line(ends_with: Bystander) -> None:
    ends_with(OK)

    assert run(ADD, "[1, []]", "--follow") == '{"ok": 55}\n'


def test_as_json_it_is_one_document(ends_with: Bystander) -> None:
    ends_with(OK)

    document = run_json(ADD, "[1, []]", "--follow")

    assert list(document) == ["execution_id", "result", "seconds"]
    assert document["execution_id"] == Execution.objects.get().execution_id
    assert document["result"] == {"ok": 55}
    assert 0 < document["seconds"] < 60


def test_what_finished_long_ago_can_be_followed(ends_with: Bystander) -> None:
    ends_with(OK)
    run(ADD, "[1, []]", "--follow", "--execution-id", MINE)

    assert run(ADD, "[1, []]", "--follow", "--execution-id", MINE) == '{"ok": 55}\n'
    assert Execution.objects.count() == 1


@pytest.mark.parametrize(
    ("retval", "printed"),
    [(ERROR, {"err": None}), (FAILURE, {"execution_failed": {"kind": "timed_out"}})],
    ids=["error", "failure"],
)
@pytest.mark.parametrize("extra", [(), ("--json",)], ids=["text", "json"])
def test_what_did_not_end_well_is_printed_and_exits_with_1(
    ends_with: Bystander, capsys: pytest.CaptureFixture[str], retval: ReturnValue, printed: Any, extra: tuple[str, ...]
) -> None:
    ends_with(retval)

    with pytest.raises(SystemExit) as caught:
        call_command("submit", ADD, "[1, []]", "--follow", *extra)

    assert caught.value.code == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["result"] if extra else document) == printed


def test_progress_is_no_part_of_the_output(ends_with: Bystander, capsys: pytest.CaptureFixture[str]) -> None:
    ends_with(OK)

    call_command("submit", ADD, "[1, []]", "--follow")

    captured = capsys.readouterr()
    assert captured.out == '{"ok": 55}\n'
    assert captured.err == f"{Execution.objects.get().execution_id}\n"


def test_who_gives_up_waiting_is_told_that_it_goes_on() -> None:
    with pytest.raises(CommandError) as caught:
        run(ADD, "[1, []]", "--follow", "--timeout", "0.01", "-e", MINE)

    assert str(caught.value) == f"{MINE} did not finish within 0.01 s; it goes on, see `manage.py execution show`"


def test_who_interrupts_the_waiting_is_told_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_args: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Follower, "wait", interrupt)

    with pytest.raises(CommandError) as caught:
        run(ADD, "[1, []]", "--follow", "-e", MINE)

    assert str(caught.value) == f"{MINE} goes on; see `manage.py execution show`"
    assert caught.value.returncode == 130


# --- Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("test:adder/api.subtract",), "no function test:adder/api.subtract is deployed (`manage.py function list`"),
        (("add",), "'add' is not a function name: "),
        ((APPROVE,), f"{APPROVE} is a stub: only a workflow that waits for it can start it"),
        ((ADD, "[1]"), f"{ADD}: parameter cardinality mismatch, expected: 2, specified: 1"),
        ((ADD, '["1", []]'), f'{ADD}: cannot parse 1-th parameter - params[0]: expected u8, got "1"'),
        ((ADD, "{}"), f"{ADD}: the parameters must be a JSON array, such as [a, names]"),
        ((ADD, "[1, []"), "the parameters are not JSON: "),
        ((ADD, "[NaN, []]"), "the parameters are not JSON: "),
        ((ADD, "[1, []]", "-e", "7"), "'7' is not an execution id: it must start with E_"),
    ],
)
@pytest.mark.parametrize("extra", [(), ("--follow",)], ids=["", "follow"])
def test_bad_input_exits_with_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str, extra: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as caught:
        execute_from_command_line(["manage.py", "submit", *arguments, *extra, "--no-color"])

    captured = capsys.readouterr()
    assert caught.value.code == 1
    assert captured.out == ""
    assert captured.err.startswith(f"CommandError: {sentence}")
    assert captured.err.count("\n") == 1
    assert not Execution.objects.exists()


def test_an_id_that_another_call_has_exits_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    run(ADD, "[1, []]", "-e", MINE)

    with pytest.raises(SystemExit) as caught:
        execute_from_command_line(["manage.py", "submit", ADD, "[2, []]", "-e", MINE, "--no-color"])

    assert caught.value.code == 1
    assert capsys.readouterr().err == (
        f"CommandError: execution {MINE} exists with another function or other parameters\n"
    )


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("submit", "--help")

    assert caught.value.code == 0
    help_text = " ".join(capsys.readouterr().out.split())
    assert "submit testing:fibo-workflow/workflow.fiboa '[10, 500]' --follow" in help_text
    for option in ("--follow", "--execution-id", "--timeout", "--json"):
        assert option in help_text
