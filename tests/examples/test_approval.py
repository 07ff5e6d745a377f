"""The approval example, through an executor, answered as a person would."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from components.guest_runtimes import load_python_runtime
from components.preparation import prepare
from components.services import deploy
from executions.hosting import ExecutorHost
from executions.models import Execution
from executions.shortcuts import cancel, result, submit
from obelisk import ChildError
from tests.harness.components import add_file
from tests.harness.components import deploy as registry_of
from tests.harness.eventually import PATIENCE_S, eventually
from tests.harness.python_components import compiled_runtime
from tests.harness.simulation import Simulation

APPROVAL = Path(__file__).parents[2] / "examples" / "approval" / "deployment.toml"
REIMBURSE = "example:approval/workflows.reimburse"
PATIENCE = timedelta(seconds=PATIENCE_S)
LARGE = [{"who": "Ada", "what": "a train ticket", "euros": 120}, timedelta(days=2).total_seconds()]
YES = {"ok": {"approved": True, "by": "Grace"}}
NO = {"ok": {"approved": False, "by": "Grace"}}


@pytest.fixture
def host(transactional_db: None) -> Iterator[ExecutorHost]:
    deploy(APPROVAL)
    interval = sys.getswitchinterval()
    host = ExecutorHost()
    host.start()
    yield host
    host.stop()
    sys.setswitchinterval(interval)


def answer(execution_id: str, value: Any) -> str:
    out = StringIO()
    call_command("execution", "stub", execution_id, json.dumps(value), stdout=out)
    return out.getvalue().strip()


def question_of(parent: str) -> str:
    return eventually(Execution.objects.filter(parent_id=parent, ffqn__endswith="stubs.approve").first).execution_id


def test_an_expense_waits_for_a_persons_word(host: ExecutorHost) -> None:
    run = submit(REIMBURSE, *LARGE)
    question = question_of(run.id)

    assert answer(question, NO) == f"{question} is answered"

    assert result(run.id, timeout=PATIENCE) == "refused by Grace"
    assert answer(question, NO) == f"{question} had this result already"
    with pytest.raises(CommandError, match=f"{question} has ended already, with "):
        answer(question, YES)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"ok": "yes"}, "result.ok: expected"),
        ({"ok": {"approved": 1, "by": "Grace"}}, "result.ok.approved: expected bool, got 1"),
        (True, "result: expected"),
        ({**YES, "err": "no"}, "result: expected"),
    ],
)
def test_an_answer_of_another_type_is_refused(host: ExecutorHost, value: Any, problem: str) -> None:
    run = submit(REIMBURSE, *LARGE)
    question = question_of(run.id)

    with pytest.raises(CommandError) as caught:
        answer(question, value)

    assert str(caught.value).startswith(
        f"example:approval/stubs.approve returns result<record {{ approved: bool, by: string }}, string>: {problem}"
    )
    answer(question, YES)
    assert result(run.id, timeout=PATIENCE).startswith("120 euros for a train ticket to Ada, approved by Grace")


def test_only_what_waits_for_an_answer_is_answered(host: ExecutorHost) -> None:
    run = submit(REIMBURSE, *LARGE)
    question = question_of(run.id)

    with pytest.raises(CommandError, match="which executors run; only stubs and external activities are answered"):
        answer(run.id, {"ok": "paid"})
    with pytest.raises(CommandError, match="the result must be JSON"):
        call_command("execution", "stub", question, "yes")

    answer(question, {"err": "the form is broken"})
    with pytest.raises(ChildError, match="the form is broken"):
        result(run.id, timeout=PATIENCE)
    assert not cancel(question)


@pytest.mark.django_db
def test_nobody_is_waited_for_longer_than_two_days() -> None:
    prepared = prepare(APPROVAL)
    compiled_runtime()
    load_python_runtime(print)
    for content in prepared.files.values():
        add_file(content)
    world = Simulation(registry=registry_of(*(component.spec for component in prepared.components)))
    world.start_executor()
    target = world.submit(REIMBURSE, LARGE)
    started = world.clock.now()

    world.run(target)

    assert world.result_of(target) == {"ok": "nobody answered in time"}
    assert world.clock.now() - started >= timedelta(days=2)
