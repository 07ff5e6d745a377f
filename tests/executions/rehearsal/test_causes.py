from __future__ import annotations

from engine.log.ids import ExecutionId
from executions.rehearsal.causes import MOST_CAUSES, causes_of, encode_causes
from executions.rehearsal.rehearsing import Divergence
from tests.builders import make_execution_id


def diverging(number: int, error: str, version: int | None = 3) -> Divergence:
    execution_id: ExecutionId = make_execution_id(number)
    return Divergence(
        execution_id=execution_id,
        ffqn="a:b/c.f",
        version=version,
        error=f"{execution_id}: {error}",
        consequence="it waits",
    )


def test_executions_that_diverge_alike_are_one_cause_the_most_frequent_first() -> None:
    found = [
        diverging(1, "rare"),
        *(diverging(number, "frequent") for number in range(2, 200)),
        diverging(200, "rare", 4),
    ]

    frequent, rare, other = causes_of(found)

    assert (frequent.count, frequent.error, frequent.version) == (198, "E_…: frequent", 3)
    assert frequent.executions == tuple(make_execution_id(number) for number in range(2, 102))
    assert (rare.count, rare.version, rare.executions) == (1, 3, (make_execution_id(1),))
    assert (other.count, other.version) == (1, 4)


def test_what_is_stored_of_them_is_bounded() -> None:
    stored = encode_causes(causes_of(diverging(number, f"error {number}") for number in range(300)))

    assert len(stored) == MOST_CAUSES
    assert stored[0]["count"] == 1
