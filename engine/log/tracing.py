"""Which trace an execution belongs to, and what its spans are called: all of it follows from what is stored (pure).

A trace that came from outside stands in the metadata of the creation, and everything that the execution creates has it,
too. Where none came, the id follows from that of the top-level execution. Ids of spans follow from ids of executions
and runs, so that telling of the same run twice makes no second span.

Source:
    W3C Trace Context, level 1; docs/observability.md.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from engine.log.events import Metadata
from engine.log.ids import ExecutionId, RunId

TRACEPARENT_KEY = "traceparent"
"""Metadata: the context in which the execution, or the top-level one above it, was asked for."""

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_VERSION_00_LENGTH = 55
_SAMPLED = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class TraceContext(NamedTuple):
    """A place in a trace.

    Args:
        trace_id: 32 hex digits.
        span_id: 16 hex digits.
        is_sampled: Whether whoever began the trace wants to have it recorded.
    """

    trace_id: str
    span_id: str
    is_sampled: bool

    def header(self) -> str:
        """Return it as the value of a ``traceparent`` header."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"


def parse_traceparent(text: str) -> TraceContext | None:
    """Return the context that a ``traceparent`` header names; ``None`` for what is none, which begins a new trace."""
    found = _TRACEPARENT.fullmatch(text)
    if found is None or (text.startswith("00") and len(text) != _VERSION_00_LENGTH):
        return None
    return TraceContext(found[1], found[2], bool(int(found[3], 16) & _SAMPLED))


def trace_metadata(traceparent: str | None) -> Metadata:
    """Return a ``traceparent`` header as it stands in the metadata of a creation; nothing for what is none."""
    context = None if traceparent is None else parse_traceparent(traceparent.strip())
    return () if context is None else ((TRACEPARENT_KEY, context.header()),)


def inherited_trace(metadata: Metadata) -> Metadata:
    """Return what an execution hands on of its trace to those that it creates."""
    return tuple(pair for pair in metadata if pair[0] == TRACEPARENT_KEY)


def remote_context(metadata: Metadata) -> TraceContext | None:
    """Return the context from outside in which an execution, or the top-level one above it, was asked for."""
    return next((parse_traceparent(value) for key, value in metadata if key == TRACEPARENT_KEY), None)


def trace_id_of(execution_id: ExecutionId, metadata: Metadata) -> str:
    """Return the id of the trace that an execution belongs to, 32 hex digits."""
    remote = remote_context(metadata)
    return _digest("trace", execution_id.partition(".")[0])[:32] if remote is None else remote.trace_id


def is_sampled(metadata: Metadata) -> bool:
    """Tell whether an execution's trace is to be recorded; only who began it can have said no."""
    remote = remote_context(metadata)
    return remote is None or remote.is_sampled


def execution_span(execution_id: ExecutionId) -> str:
    """Return the id of an execution's span, 16 hex digits."""
    return _digest("execution", execution_id)[:16]


def run_span(execution_id: ExecutionId, run_id: RunId) -> str:
    """Return the id of the span of one run of an execution."""
    return _digest("run", execution_id, run_id)[:16]


def request_context(
    execution_id: ExecutionId, run_id: RunId, metadata: Metadata, *, started_at: datetime
) -> TraceContext:
    """Return the context in which a run sends an HTTP request off.

    Args:
        execution_id: Whose run.
        run_id: The run.
        metadata: Of the execution's creation.
        started_at: When the request begins.
    """
    micros = (started_at - _EPOCH) // _MICROSECOND
    span_id = _digest("request", execution_id, run_id, str(micros))[:16]
    return TraceContext(trace_id_of(execution_id, metadata), span_id, is_sampled(metadata))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
