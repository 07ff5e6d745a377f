"""Random numbers of a Python workflow that a compiled one calls."""

from __future__ import annotations

from engine.log.events import Created
from engine.simulation.recordings import record
from tests.harness import steps as s
from tests.harness.components import deploy, stepper
from tests.harness.python_components import python_app, source
from tests.harness.replay import replay
from tests.harness.simulation import Simulation

APP = source("""
    import secrets
    from obelisk import *

    @activity
    def nothing() -> None: ...

    @workflow
    def token() -> str:
        first = secrets.token_hex(8)
        nothing()
        return first + secrets.token_hex(8)
    """)
REGISTRY = deploy(stepper(), *python_app(APP))


def test_it_has_a_secret_seed_and_replays() -> None:
    tokens = []
    for _ in range(2):
        world = Simulation(registry=REGISTRY)
        world.start_executor()
        parent = world.submit_steps(s.call("token", interface="acme:app/workflows"))
        world.run_to_the_end(parent)
        child = next(other for other in world.children_of(parent))
        created = world.events_of(child)[0]
        assert isinstance(created, Created)
        assert [key for key, _ in created.metadata] == ["obelisk-seed"]
        recording = record(world.journal, parent)
        assert replay(recording, child, registry=REGISTRY) == world.retval_of(child)
        assert replay(recording, parent, registry=REGISTRY) == world.retval_of(parent)
        tokens.append(world.result_of(child)["ok"])

    # The ids are the same both times; who knows them knows nothing of the tokens.
    assert tokens[0] != tokens[1]
