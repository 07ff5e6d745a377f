from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.log.ids import ExecutionId
from engine.workflow.prng import WorkflowRandom, _splitmix

TOP = ExecutionId("E_01J00000000000000000000001")
CHILD = ExecutionId("E_01J00000000000000000000001.n:a_1")

u64 = st.integers(0, 2**64 - 1)


class Scripted(WorkflowRandom):
    """Gives the bits that a test wants."""

    __slots__ = ("_bits",)

    def __init__(self, bits: Iterable[int]) -> None:
        super().__init__(TOP)
        self._bits: Iterator[int] = iter(bits)

    def next_u64(self) -> int:
        return next(self._bits)


def test_the_generator_is_xoshiro256_star_star() -> None:
    random = WorkflowRandom(TOP)
    random._s0, random._s1, random._s2, random._s3 = 1, 2, 3, 4

    # The vectors of the authors' C code, as other implementations test themselves with.
    assert [random.next_u64() for _ in range(10)] == [
        11520,
        0,
        1509978240,
        1215971899390074240,
        1216172134540287360,
        607988272756665600,
        16172922978634559625,
        8476171486693032832,
        10595114339597558777,
        2904607092377533576,
    ]


def test_the_seed_is_spread_by_splitmix64() -> None:
    state, drawn = 1234567, []
    for _ in range(5):
        value, state = _splitmix(state)
        drawn.append(value)

    assert drawn == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@pytest.mark.parametrize(
    ("execution_id", "numbers", "digit", "word", "text", "octets"),
    [
        (
            TOP,
            [16543223903168407970, 12437235477829126769, 2456874952596046367],
            4,
            10748542546959788281,
            "7a8m4wyX",
            "2e2bc00a073860d5ab18",
        ),
        (
            CHILD,
            [7764242881882723703, 7857451075274630381, 10009496804839519062],
            1,
            12035642478292716487,
            "lhxhk8It",
            "34c33480a25d47b5e56f",
        ),
    ],
)
def test_an_executions_sequence_never_changes(
    execution_id: ExecutionId, numbers: list[int], digit: int, word: int, text: str, octets: str
) -> None:
    # Recorded histories hold such values: if this fails, running workflows are lost.
    random = WorkflowRandom(execution_id)

    assert [random.next_u64() for _ in range(3)] == numbers
    assert random.in_range(0, 9) == digit
    assert random.in_range(0, 2**64 - 1) == word
    assert random.string(8, 9) == text
    assert random.bytes(10).hex() == octets


@given(low=u64, high=u64)
def test_a_number_is_in_its_range(low: int, high: int) -> None:
    low, high = sorted((low, high))

    assert low <= WorkflowRandom(TOP).in_range(low, high) <= high


@given(value=u64)
def test_a_range_of_one_value_gives_that_value(value: int) -> None:
    assert WorkflowRandom(TOP).in_range(value, value) == value


@given(bits=u64)
def test_the_full_range_passes_the_bits_through(bits: int) -> None:
    assert Scripted([bits]).in_range(0, 2**64 - 1) == bits


@given(span=st.integers(1, 2**64 - 1), low=st.integers(0, 1000))
def test_bits_of_the_incomplete_last_block_are_drawn_again(span: int, low: int) -> None:
    complete = 2**64 - 2**64 % span

    # The last bits that count give the highest value; the first ones that do not are passed over.
    assert Scripted([complete - 1]).in_range(low, low + span - 1) == low + span - 1
    if complete < 2**64:
        assert Scripted([complete, 2**64 - 1, 0]).in_range(low, low + span - 1) == low


def test_each_value_is_about_equally_likely() -> None:
    random = WorkflowRandom(TOP)

    counts = Counter(random.in_range(3, 9) for _ in range(7000))

    assert sorted(counts) == [3, 4, 5, 6, 7, 8, 9]
    assert all(850 < count < 1150 for count in counts.values())


@pytest.mark.parametrize(("low", "high"), [(1, 0), (2**64 - 1, 0)])
def test_an_empty_range_has_no_values(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="empty range"):
        WorkflowRandom(TOP).in_range(low, high)


def test_a_string_has_every_allowed_length_and_character() -> None:
    random = WorkflowRandom(TOP)

    texts = [random.string(2, 5) for _ in range(2000)]

    assert {len(text) for text in texts} == {2, 3, 4}
    assert len(set("".join(texts))) == 62
    assert "".join(texts).isalnum()


def test_bytes_come_in_any_number() -> None:
    random = WorkflowRandom(TOP)

    assert [len(random.bytes(count)) for count in (0, 1, 8, 9, 17)] == [0, 1, 8, 9, 17]
