"""Sending spans to a collector with OpenTelemetry's SDK: the only module that needs it, which is optional."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from executions.program_version import program_version
from executions.tracing.spans import Span

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NAME: Final = "obelisk"


class SpanExporter(Protocol):
    """Takes spans away."""

    def export(self, spans: Sequence[Span]) -> bool:
        """Send spans; tell whether the collector took them."""
        ...

    def close(self) -> None:
        """Send no more."""
        ...


class OtlpExporter:
    """Sends spans to the collector that OpenTelemetry's own variables name (``OTEL_EXPORTER_OTLP_ENDPOINT`` ...)."""

    def __init__(self) -> None:
        # What the variables say counts, if they say anything.
        self._resource = Resource({SERVICE_NAME: _NAME}).merge(OTELResourceDetector().detect())
        self._scope = InstrumentationScope(_NAME, program_version())
        self._exporter = OTLPSpanExporter()

    def export(self, spans: Sequence[Span]) -> bool:
        """See `SpanExporter`; waits for the collector, and tries again for some seconds."""
        return self._exporter.export([self._readable(span) for span in spans]) is SpanExportResult.SUCCESS

    def close(self) -> None:
        """See `SpanExporter`."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # it says no types

    def _readable(self, span: Span) -> ReadableSpan:
        parent = None
        if span.parent_id is not None:
            parent = _context(span.trace_id, span.parent_id, is_remote=span.has_remote_parent)
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id, is_remote=False),
            parent=parent,
            resource=self._resource,
            attributes=span.attributes,
            kind=SpanKind[span.kind],
            status=Status(StatusCode.UNSET) if span.error is None else Status(StatusCode.ERROR, span.error),
            start_time=_nanoseconds(span.start),
            end_time=_nanoseconds(span.end),
            instrumentation_scope=self._scope,
        )


def _context(trace_id: str, span_id: str, *, is_remote: bool) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, TraceFlags(TraceFlags.SAMPLED))


def _nanoseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND * 1000
