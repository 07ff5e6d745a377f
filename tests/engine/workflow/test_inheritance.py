from __future__ import annotations

import os

import pytest

from engine.deployment.spec import Runner
from engine.log.events import Metadata
from engine.log.ids import ExecutionId
from engine.workflow.inheritance import SEED_KEY, inherited_metadata

TRACE = ("traceparent", f"00-{'1' * 32}-{'2' * 16}-01")
PARENT = ((SEED_KEY, "0" * 32), TRACE, ("label:a", "b"))
CHILD = ExecutionId("E_1.n:a_1")


def _inherited(metadata: Metadata, child: ExecutionId = CHILD, runner: Runner = Runner.SOURCE) -> Metadata:
    return inherited_metadata(metadata, child, runner=runner, random_bytes=os.urandom)


@pytest.mark.parametrize("runner", [Runner.SOURCE, Runner.WASM])
def test_children_have_seeds_of_their_own_that_follow_from_the_parents(runner: Runner) -> None:
    first, again, second = (_inherited(PARENT, ExecutionId(f"E_1.n:a_{index}"), runner) for index in (1, 1, 2))

    assert first == again
    assert first != second
    assert [key for key, _ in first] == [SEED_KEY, "traceparent"]
    assert len(first[0][1]) == 32


def test_who_needs_a_seed_and_inherits_none_gets_a_fresh_one() -> None:
    first, second = _inherited(()), _inherited(())

    assert first != second
    ((key, seed),) = first
    assert (key, len(bytes.fromhex(seed))) == (SEED_KEY, 16)


def test_compiled_children_of_a_parent_without_a_seed_have_none() -> None:
    assert _inherited((), runner=Runner.WASM) == ()


def test_the_trace_is_handed_on_as_it_is_and_labels_are_not() -> None:
    assert _inherited(PARENT[1:], runner=Runner.WASM) == (TRACE,)
