from __future__ import annotations

import pytest

from engine.log.ids import ExecutionId, RunId
from engine.log.tracing import (
    TraceContext,
    execution_span,
    inherited_trace,
    is_sampled,
    parse_traceparent,
    request_context,
    run_span,
    trace_id_of,
    trace_metadata,
)
from tests.builders import NOW, after, make_execution_id

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE_ID}-{SPAN_ID}-01"
E1 = make_execution_id(1)
CHILD = ExecutionId(f"{E1}.n:a_1")
RUN = RunId("Run_1")


def test_a_header_is_read_and_written_again() -> None:
    context = parse_traceparent(HEADER)

    assert context == TraceContext(TRACE_ID, SPAN_ID, is_sampled=True)
    assert context.header() == HEADER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rubbish",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID.upper()}-{SPAN_ID}-01",
        f"{HEADER}-more",
        f"{HEADER}\n",
    ],
)
def test_what_is_no_context_begins_a_new_trace(text: str) -> None:
    assert parse_traceparent(text) is None
    assert trace_metadata(f"{text}x" if text.endswith("\n") else text) == ()


def test_a_later_version_may_say_more() -> None:
    assert parse_traceparent(f"01-{TRACE_ID}-{SPAN_ID}-00-more") == TraceContext(TRACE_ID, SPAN_ID, is_sampled=False)


def test_all_below_an_execution_belong_to_its_trace() -> None:
    metadata = (("label:a", "b"), *trace_metadata(HEADER))

    assert trace_id_of(E1, metadata) == trace_id_of(CHILD, inherited_trace(metadata)) == TRACE_ID
    assert trace_id_of(E1, ()) == trace_id_of(CHILD, ()) != trace_id_of(make_execution_id(2), ())


def test_only_who_began_a_trace_can_have_it_left_out() -> None:
    assert is_sampled(())
    assert is_sampled(trace_metadata(HEADER))
    assert not is_sampled(trace_metadata(f"{HEADER[:-2]}00"))


def test_spans_are_told_apart_and_told_twice_they_are_the_same() -> None:
    def spans() -> list[str]:
        return [
            execution_span(E1),
            execution_span(CHILD),
            run_span(E1, RUN),
            run_span(CHILD, RUN),
            request_context(E1, RUN, (), started_at=NOW).span_id,
            request_context(E1, RUN, (), started_at=after(milliseconds=1)).span_id,
        ]

    assert len(set(spans())) == 6
    assert spans() == spans()
    assert {len(bytes.fromhex(span)) for span in spans()} == {8}
