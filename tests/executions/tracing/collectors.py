"""A stand-in for a collector of traces, and what it got."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.harness.http_servers import Answer, Received, Upstream, serve


@dataclass(frozen=True, slots=True)
class Got:
    """A span as it arrived."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    attributes: dict[str, str | int]
    is_error: bool
    start_ns: int
    end_ns: int


class Collector:
    """Takes spans, unless it is told not to."""

    def __init__(self) -> None:
        self.is_away = False
        self.upstream = Upstream()
        self.services: set[str] = set()
        self._bodies: list[bytes] = []

    @property
    def spans(self) -> list[Got]:
        """Everything that arrived, in its order."""
        return [span for body in list(self._bodies) for span in self._read(body)]

    @property
    def once(self) -> dict[str, Got]:
        """What arrived, by id."""
        return {span.span_id: span for span in self.spans}

    def answer(self, received: Received) -> Answer:
        if self.is_away:
            return Answer(status=400)  # of those that the exporter does not try again by itself
        assert received.path == "/v1/traces"
        self._bodies.append(received.body)
        return Answer(headers=(("Content-Type", "application/x-protobuf"),))

    def _read(self, body: bytes) -> Iterator[Got]:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            described = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.services.add(described["service.name"])
            for scope in resource.scope_spans:
                for span in scope.spans:
                    yield Got(
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        name=span.name,
                        kind=span.kind,
                        attributes={
                            each.key: each.value.string_value or each.value.int_value for each in span.attributes
                        },
                        is_error=span.status.code == 2,
                        start_ns=span.start_time_unix_nano,
                        end_ns=span.end_time_unix_nano,
                    )


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector."""
    collector = Collector()
    with serve(collector.answer) as collector.upstream:
        yield collector
