"""The approval in JavaScript: what needs no person. tests/acceptance/test_examples.py answers as one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from components.preparation import prepare
from engine.deployment.registry import Registry
from engine.simulation.recordings import record
from tests.harness.components import add_file, deploy
from tests.harness.javascript_components import compiled_runtime
from tests.harness.recordings import cut
from tests.harness.replay import resume
from tests.harness.simulation import Simulation

pytestmark = pytest.mark.django_db

APPROVAL = Path(__file__).parents[2] / "examples" / "approval-js" / "deployment.toml"
PAY = "example:approval-js/workflows.pay"


@pytest.fixture
def registry() -> Registry:
    prepared = prepare(APPROVAL)
    compiled_runtime()
    for content in prepared.files.values():
        add_file(content)
    return deploy(*(component.spec for component in prepared.components))


@pytest.fixture
def world(registry: Registry) -> Simulation:
    simulation = Simulation(registry=registry)
    simulation.start_executor()
    return simulation


def test_small_payments_are_made_at_once(world: Simulation) -> None:
    target = world.submit(PAY, [{"to": "Ada", "cents": 999}])

    world.run(target)

    assert world.result_of(target) == {"ok": "paid 9.99 to Ada"}


def test_nobody_is_waited_for_longer_than_two_days(world: Simulation, registry: Registry) -> None:
    target = world.submit(PAY, [{"to": "Ada", "cents": 1_000_000}])
    started = world.clock.now()

    world.run(target)

    assert world.result_of(target) == {"ok": "nobody answered"}
    assert world.clock.now() - started >= timedelta(days=2)
    recording = record(world.journal, target)
    for length in range(2, len(recording[target].entries)):
        resumed = resume(cut(recording, target, length), registry=registry)
        resumed.run(target)
        assert resumed.result_of(target) == {"ok": "nobody answered"}
