from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from console.timeline.crowds import Crowd


@dataclass
class Span:
    begin: int
    end: int | None
    is_bad: bool = False


def overlaps(span: Span, begin: int, end: int) -> bool:
    return span.begin < end and (span.end is None or span.end >= begin)


spans = st.lists(
    st.builds(
        lambda begin, length, is_bad: Span(
            begin, None if length is None else begin + length, is_bad and length is not None
        ),
        st.integers(0, 100),
        st.none() | st.integers(0, 50),
        st.booleans(),
    ),
    max_size=30,
)


@given(spans=spans, edges=st.lists(st.integers(0, 160), min_size=2, max_size=8, unique=True).map(sorted))
def test_buckets_count_what_a_look_at_each_span_would(spans: list[Span], edges: list[int]) -> None:
    for bucket in Crowd(spans).buckets(edges):
        ended = [span for span in spans if span.end is not None and bucket.begin <= span.end < bucket.end]
        assert bucket.alive == sum(overlaps(span, bucket.begin, bucket.end) for span in spans)
        assert bucket.bad == sum(span.is_bad for span in ended)


def test_it_knows_its_ends() -> None:
    crowd = Crowd([Span(5, 9, is_bad=True), Span(2, 4)])

    assert (crowd.begin, crowd.end, crowd.longest, crowd.bad, crowd.unfinished) == (2, 9, 4, 1, 0)


def test_it_has_no_end_while_one_goes_on() -> None:
    crowd = Crowd([Span(5, None), Span(2, 4)])

    assert (crowd.end, crowd.unfinished) == (None, 1)
