from __future__ import annotations

from engine.log.ids import ExecutionId
from engine.workflow.inheritance import SEED_KEY, inherited_metadata

PARENT = ((SEED_KEY, "0" * 32), ("traceparent", "00-1"))


def test_children_have_seeds_of_their_own_that_follow_from_the_parents() -> None:
    first, again, second = (inherited_metadata(PARENT, ExecutionId(f"E_1.n:a_{index}")) for index in (1, 1, 2))

    assert first == again
    assert first != second
    assert [key for key, _ in first] == [SEED_KEY]
    assert len(first[0][1]) == 32


def test_who_has_no_seed_hands_none_on() -> None:
    assert inherited_metadata((), ExecutionId("E_1.n:a_1")) == ()
