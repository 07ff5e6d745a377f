from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from engine.deployment.spec import ComponentId, ComponentType, Runner
from engine.errors import InvalidComponent, LinkError
from engine.executor.programs import Programs
from engine.wasm.component import CompiledComponent
from tests.harness.components import approve, load, probe, stepper


class Loader:
    """Counts how often each component is asked for."""

    def __init__(self) -> None:
        self.loads: list[str] = []

    def __call__(self, wasm_digest: str, runner: Runner) -> CompiledComponent:
        self.loads.append(wasm_digest)
        return load(wasm_digest, runner)


def test_a_component_is_loaded_and_linked_once() -> None:
    loader = Loader()
    programs = Programs(loader)

    assert programs.get(probe()) is programs.get(probe(max_retries=0))
    assert len(loader.loads) == 1


def test_threads_that_ask_at_once_share_one_load() -> None:
    loader = Loader()
    programs = Programs(loader)
    start = threading.Barrier(6)

    def get() -> None:
        start.wait(20)
        programs.get(stepper())

    threads = [threading.Thread(target=get) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(loader.loads) == 1


def test_the_same_binary_as_another_kind_of_component_is_linked_by_that_kinds_rules() -> None:
    component = stepper()
    identity = ComponentId(component_type=ComponentType.ACTIVITY, name="stepper", digest=component.id.digest)
    programs = Programs(load)
    programs.get(component)

    with pytest.raises(LinkError, match="cannot import"):
        programs.get(replace(component, id=identity))


def test_what_has_no_binary_cannot_be_run() -> None:
    with pytest.raises(InvalidComponent, match="has no binary"):
        Programs(load).get(approve())


def test_a_component_that_could_not_be_loaded_is_tried_again() -> None:
    attempts: list[str] = []

    def flaky(wasm_digest: str, runner: Runner) -> CompiledComponent:
        attempts.append(wasm_digest)
        if len(attempts) == 1:
            raise InvalidComponent("not yet")
        return load(wasm_digest, runner)

    programs = Programs(flaky)
    with pytest.raises(InvalidComponent):
        programs.get(probe())

    assert programs.get(probe()) is programs.get(probe())
