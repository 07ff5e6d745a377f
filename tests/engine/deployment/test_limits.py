from __future__ import annotations

import pytest

from engine.deployment.limits import MIB, OPERATORS, ComponentLimits, RunLimits, size_problem

MOST = RunLimits(memory_bytes=512 * MIB, fuel=1000, log_lines=100)


def test_a_component_that_asks_for_nothing_has_the_operators_limits() -> None:
    assert MOST.lowered(OPERATORS) == MOST.lowered(ComponentLimits()) == MOST
    assert MOST.problems(OPERATORS) == []


def test_a_component_may_have_less() -> None:
    lowered = MOST.lowered(ComponentLimits(memory_bytes=MIB, fuel=10, log_lines=0))

    assert (lowered.memory_bytes, lowered.fuel, lowered.log_lines) == (MIB, 10, 0)
    assert lowered.result_bytes == MOST.result_bytes


def test_a_component_never_has_more() -> None:
    assert MOST.lowered(ComponentLimits(memory_bytes=1024 * MIB, fuel=10**9)) == MOST


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (
            ComponentLimits(memory_bytes=1024 * MIB),
            "limits.memory_mib is 1024, and the most that this site gives is 512 (OBELISK_MEMORY_MIB)",
        ),
        (
            ComponentLimits(log_lines=101),
            "limits.log_lines is 101, and the most that this site gives is 100 (OBELISK_LOG_LINES)",
        ),
    ],
)
def test_who_asks_for_more_is_told_how_much_there_is(asked: ComponentLimits, problem: str) -> None:
    assert MOST.problems(asked) == [problem]


def test_fuel_is_limited_only_where_it_is_counted() -> None:
    asked = ComponentLimits(fuel=5)

    assert RunLimits().lowered(asked).fuel is None
    assert RunLimits().problems(asked) == ["limits.fuel needs a site that counts fuel; set OBELISK_FUEL"]


def test_what_is_too_large_is_told_with_its_limit() -> None:
    assert size_problem("result_bytes", "x" * 10, 10) is None

    problem = size_problem("result_bytes", "x" * 11, 10)

    assert problem == "the result takes 11 bytes as JSON, more than limits.result_bytes = 10"


def test_bytes_are_counted_and_not_characters() -> None:
    assert size_problem("result_bytes", "\N{EURO SIGN}" * 3, 9) is None

    assert "takes 12 bytes" in str(size_problem("result_bytes", "\N{EURO SIGN}" * 4, 9))
