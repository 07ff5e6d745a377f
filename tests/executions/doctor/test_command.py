from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from executions.doctor.registry import CHECKS
from executions.journal.journal import SqlJournal
from executions.management.commands import doctor
from executions.models import Execution, OperationRecord
from tests.builders import make_created, make_execution_id, make_submit
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db

E1 = make_execution_id(1)


@pytest.fixture
def wrong() -> None:
    """An execution in another state than its log says."""
    then = timezone.now() + timedelta(hours=1)
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created(scheduled_at=then), at=then))
    Execution.objects.update(temporary_failures=3)


def run(*arguments: str, **options: Any) -> tuple[int, str]:
    """Return the exit status and the output."""
    out = io.StringIO()
    try:
        call_command("doctor", *arguments, stdout=out, **options)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_what_is_well_is_said_and_leaves_status_zero() -> None:
    status, said = run("states", "delays")

    assert status == 0
    assert said.splitlines()[:2] == ["ok       Are states what the logs say?", "ok       Do timers fire?"]
    assert "2 checks: 0 problems, 0 warnings, 0 notes; of executions the newest were looked at" in said


@pytest.mark.usefixtures("wrong")
def test_a_problem_is_explained_and_leaves_status_two() -> None:
    status, said = run("states")

    assert status == 2
    assert "PROBLEM  Are states what the logs say? 1 execution in another state than the log says." in said
    assert f"such as {E1}" in said
    assert "Why it matters: The log is the truth" in said
    assert "What to do: Have the states made anew" in said
    assert "`manage.py doctor --fix` repairs some of this" in said
    assert not OperationRecord.objects.exists()


def test_a_warning_leaves_status_one() -> None:
    assert run("deployment")[0] == 1


@pytest.mark.usefixtures("wrong")
def test_what_was_repaired_is_well_and_recorded_in_the_name_of_who_ran_the_command() -> None:
    status, said = run("states", "--fix", "--yes")

    assert status == 0
    assert "Repaired: 1" in said
    record = OperationRecord.objects.get()
    assert record.actor.startswith("command:")
    assert run("states")[0] == 0


@pytest.mark.usefixtures("wrong")
@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("", 2), ("no", 2)])
def test_each_repair_is_asked_for(monkeypatch: pytest.MonkeyPatch, answer: str, status: int) -> None:
    asked: list[str] = []

    def reply(question: str) -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", reply)

    assert run("states", "--fix")[0] == status
    assert len(asked) == 1
    assert "make the states anew from the logs? [y/N]" in asked[0]


@pytest.mark.usefixtures("wrong")
def test_programs_get_one_json_document() -> None:
    status, said = run("states", "--json", "--fix", "--yes")

    document = json.loads(said)
    (check,) = document["checks"]
    (finding,) = check["findings"]
    assert (status, document["status"], check["check"]) == (0, 0, "states")
    assert (finding["severity"], finding["examples"], finding["repaired"]) == ("problem", [E1], 1)


def test_a_check_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(CommandError, match=r"there is no check 'coffee'; there are settings, directory") as caught:
        run("coffee")
    assert caught.value.returncode == 2


def test_nothing_is_repaired_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    with pytest.raises(CommandError, match="--yes"):
        run("--fix")


def test_help_lists_the_checks(capsys: pytest.CaptureFixture[str]) -> None:
    parser = doctor.Command().create_parser("manage.py", "doctor")

    parser.print_help()

    shown = capsys.readouterr().out
    assert "Exit status: 0 all is well" in shown
    assert all(check.name in shown and check.question in shown for check in CHECKS)
