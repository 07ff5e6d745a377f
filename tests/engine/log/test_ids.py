from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import IdSyntaxError
from engine.log.ids import (
    DelayId,
    ExecutionId,
    JoinSetId,
    Position,
    child_id,
    delay_id,
    delay_position,
    generated_join_set,
    is_top_level,
    join_set_name_problem,
    make_deployment_id,
    make_execution_id,
    make_executor_id,
    make_run_id,
    make_ulid,
    named_join_set,
    one_off_join_set,
    parse_execution_id,
    parse_top_level_id,
    parse_ulid,
    position_of,
    top_level_of,
    ulid_timestamp_ms,
)

ULID = "01KBNHM5FQW81KP5Y3XMNX31K4"
TOP = ExecutionId(f"E_{ULID}")
GRANDCHILD = ExecutionId(f"{TOP}.g:1_2.o:1-fibo_1")
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


# --- ULIDs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp_ms", "randomness", "ulid"),
    [
        (0, bytes(10), "00000000000000000000000000"),
        (2**48 - 1, b"\xff" * 10, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
        (1469922850259, bytes(10), "01ARZ3NDEK0000000000000000"),
    ],
)
def test_a_ulid_is_128_bits_in_base_32(timestamp_ms: int, randomness: bytes, ulid: str) -> None:
    assert make_ulid(timestamp_ms, randomness) == ulid
    assert parse_ulid(ulid) == timestamp_ms << 80 | int.from_bytes(randomness, "big")
    assert ulid_timestamp_ms(ulid) == timestamp_ms


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_a_ulid_gives_its_parts_back(timestamp_ms: int, randomness: bytes) -> None:
    ulid = make_ulid(timestamp_ms, randomness)

    assert parse_ulid(ulid) == timestamp_ms << 80 | int.from_bytes(randomness, "big")


@given(st.integers(0, 2**47), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ulids_sort_by_time(timestamp_ms: int, one: bytes, other: bytes) -> None:
    assert make_ulid(timestamp_ms, one) < make_ulid(timestamp_ms + 1, other)


@pytest.mark.parametrize(("timestamp_ms", "size"), [(-1, 10), (2**48, 10), (0, 9), (0, 11)])
def test_what_does_not_fit_a_ulid_is_refused(timestamp_ms: int, size: int) -> None:
    with pytest.raises(ValueError, match="ULID"):
        make_ulid(timestamp_ms, bytes(size))


@pytest.mark.parametrize(
    "text", ["", ULID[:-1], ULID + "0", ULID.lower(), "8" + ULID[1:], ULID[:-1] + "U", ULID[:-1] + "é"]
)
def test_what_is_no_ulid_is_refused(text: str) -> None:
    with pytest.raises(IdSyntaxError):
        parse_ulid(text)


@pytest.mark.parametrize(
    ("make", "prefix"),
    [
        (make_execution_id, "E_"),
        (make_executor_id, "Exr_"),
        (make_run_id, "Run_"),
        (make_deployment_id, "Dep_"),
    ],
)
def test_ids_are_a_prefix_and_a_ulid_of_their_instant(make: Callable[[datetime, bytes], str], prefix: str) -> None:
    made = make(AT, bytes(10))

    assert made.startswith(prefix)
    assert ulid_timestamp_ms(made.removeprefix(prefix)) == AT.timestamp() * 1000


# --- Derived ids ------------------------------------------------------------------------------------------------------


def test_join_set_ids_name_their_kind() -> None:
    assert one_off_join_set(3, "fibo") == "o:3-fibo"
    assert named_join_set("workers") == "n:workers"
    assert named_join_set("") == "n:"
    assert generated_join_set(1) == "g:1"


def test_a_childs_id_extends_its_parents() -> None:
    child = child_id(TOP, JoinSetId("g:1"), 2)

    assert child == f"{TOP}.g:1_2"
    assert child_id(child, JoinSetId("o:1-fibo"), 1) == GRANDCHILD
    assert position_of(GRANDCHILD) == Position(child, JoinSetId("o:1-fibo"), 1)
    assert position_of(child) == Position(TOP, JoinSetId("g:1"), 2)
    assert position_of(TOP) is None
    assert top_level_of(GRANDCHILD) == TOP
    assert [is_top_level(execution) for execution in (TOP, child, GRANDCHILD)] == [True, False, False]


@pytest.mark.parametrize("parent", [TOP, GRANDCHILD])
def test_a_delays_id_leads_back_to_its_execution(parent: ExecutionId) -> None:
    delay = delay_id(parent, JoinSetId("n:a/b"), 7)

    assert delay == f"Delay_{parent[2:]}.n:a/b_7"
    assert delay_position(delay) == Position(parent, JoinSetId("n:a/b"), 7)


@given(
    st.lists(
        st.tuples(st.sampled_from(["o:1-call", "n:", "n:with/slash-and-dash", "g:12"]), st.integers(0, 2**64 - 1)),
        max_size=4,
    )
)
def test_any_depth_of_ids_is_read_back(path: list[tuple[str, int]]) -> None:
    execution = TOP
    for join_set, index in path:
        child = child_id(execution, JoinSetId(join_set), index)
        assert position_of(child) == Position(execution, JoinSetId(join_set), index)
        execution = child

    assert parse_execution_id(execution) == execution
    assert top_level_of(execution) == TOP


@pytest.mark.parametrize("text", [TOP, GRANDCHILD, f"{TOP}.n:_1", f"{TOP}.n:a_0"])
def test_execution_ids_parse(text: str) -> None:
    assert parse_execution_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "E_",
        ULID,
        f"X_{ULID}",
        f"E_{ULID}1",
        f"{TOP}.",
        f"{TOP}..g:1_1",
        f"{TOP}.g:1",
        f"{TOP}.g:1_",
        f"{TOP}.g:1_x",
        f"{TOP}.g:1_-1",
        f"{TOP}.g:1_1.",
        f"{TOP}.g:1_²",
        f"{TOP}.g:1_{'9' * 21}",
        f"{TOP}.g_1",
        f"{TOP}.x:1_1",
        f"{TOP}.:1_1",
        f"{TOP}.n:a_b_1",
        f"{TOP}.n:a b_1",
        f"{TOP}.n:é_1",
        f".g:1_1{TOP}",
    ],
)
def test_what_is_no_execution_id_is_refused_naming_it(text: str) -> None:
    with pytest.raises(IdSyntaxError):
        parse_execution_id(text)


def test_a_child_is_no_top_level_execution() -> None:
    assert parse_top_level_id(TOP) == TOP
    with pytest.raises(IdSyntaxError, match="a child's id"):
        parse_top_level_id(GRANDCHILD)


@pytest.mark.parametrize("text", [f"Delay_{ULID}", f"E_{ULID}.g:1_1", "Delay_x.g:1_1", f"Delay_{ULID}.g:1"])
def test_what_is_no_delay_id_is_refused(text: str) -> None:
    with pytest.raises(IdSyntaxError):
        delay_position(DelayId(text))


@pytest.mark.parametrize("name", ["", "a", "with/slash-and-dash", "AZ09"])
def test_join_set_names_that_are_fine(name: str) -> None:
    assert join_set_name_problem(name) is None


@pytest.mark.parametrize("wrong", [".", "_", ":", " ", "é", "\n"])
def test_join_set_names_that_would_break_an_id_are_told_why(wrong: str) -> None:
    problem = join_set_name_problem(f"a{wrong}b")

    assert problem is not None
    assert repr(wrong) in problem
