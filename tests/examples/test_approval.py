"""The approval example, through an executor, answered as a person would."""

from __future__ import annotations

import json
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
from tests.harness.hosts import running_host
from tests.harness.python_components import compiled_runtime
from tests.harness.simulation import Simulation

APPROVAL = Path(__file__).parents[2] / "examples" / "approval" / "deployment.toml"
PAY = "example:approval/workflows.pay"
PATIENCE = timedelta(seconds=PATIENCE_S)
LARGE = {"to": "Ada", "cents": 1_000_000}


@pytest.fixture
def host(transactional_db: None) -> Iterator[ExecutorHost]:
    deploy(APPROVAL)
    with running_host() as host:
        yield host


def answer(execution_id: str, value: Any) -> str:
    out = StringIO()
    call_command("execution", "stub", execution_id, json.dumps(value), stdout=out)
    return out.getvalue().strip()


def question_of(parent: str) -> str:
    return eventually(Execution.objects.filter(parent_id=parent, ffqn__endswith="stubs.approve").first).execution_id


@pytest.mark.parametrize(("word", "outcome"), [(True, "paid 10000.00 to Ada"), (False, "declined")])
def test_a_large_payment_waits_for_a_persons_word(host: ExecutorHost, word: bool, outcome: str) -> None:
    run = submit(PAY, LARGE)
    question = question_of(run.id)

    assert answer(question, {"ok": word}) == f"{question} is answered"

    assert result(run.id, timeout=PATIENCE) == outcome
    assert answer(question, {"ok": word}) == f"{question} had this result already"
    with pytest.raises(CommandError, match=f"{question} has ended already, with "):
        answer(question, {"ok": not word})


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"ok": "yes"}, "example:approval/stubs.approve returns result<bool, string>: result.ok: expected bool"),
        (True, "example:approval/stubs.approve returns result<bool, string>: result: expected"),
        ({"ok": True, "err": "no"}, "example:approval/stubs.approve returns result<bool, string>: result: expected"),
    ],
)
def test_an_answer_of_another_type_is_refused(host: ExecutorHost, value: Any, sentence: str) -> None:
    run = submit(PAY, LARGE)
    question = question_of(run.id)

    with pytest.raises(CommandError) as caught:
        answer(question, value)

    assert str(caught.value).startswith(sentence)
    answer(question, {"ok": False})
    assert result(run.id, timeout=PATIENCE) == "declined"


def test_only_what_waits_for_an_answer_is_answered(host: ExecutorHost) -> None:
    run = submit(PAY, LARGE)
    question = question_of(run.id)

    with pytest.raises(CommandError, match="which executors run; only stubs and external activities are answered"):
        answer(run.id, {"ok": "paid"})
    with pytest.raises(CommandError, match="the result must be JSON"):
        call_command("execution", "stub", question, "yes")

    answer(question, {"err": "the form is broken"})
    with pytest.raises(ChildError, match="the form is broken"):
        result(run.id, timeout=PATIENCE)
    assert not cancel(question)


def test_small_payments_are_made_at_once(host: ExecutorHost) -> None:
    assert result(submit(PAY, {"to": "Ada", "cents": 999}).id, timeout=PATIENCE) == "paid 9.99 to Ada"


@pytest.mark.django_db
def test_nobody_is_waited_for_longer_than_two_days() -> None:
    prepared = prepare(APPROVAL)
    compiled_runtime()
    load_python_runtime(print)
    for content in prepared.files.values():
        add_file(content)
    world = Simulation(registry=registry_of(*(component.spec for component in prepared.components)))
    world.start_executor()
    target = world.submit(PAY, [LARGE])
    started = world.clock.now()

    world.run(target)

    assert world.result_of(target) == {"ok": "nobody answered"}
    assert world.clock.now() - started >= timedelta(days=2)
