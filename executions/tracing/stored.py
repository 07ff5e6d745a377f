"""Which traces stored executions belong to."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec import Struct

from engine.log.events import Metadata
from engine.log.ids import ExecutionId
from engine.log.tracing import trace_id_of
from executions.models import Event


class _Creation(Struct):
    metadata: dict[str, str]


class _Payload(Struct):
    created: _Creation


_decoder = msgspec.json.Decoder(_Payload)  # passes over parameters, however large


def metadata_of(execution_ids: Collection[str]) -> dict[str, Metadata]:
    """Return what the creations of executions carry along, of those that exist."""
    rows = Event.objects.filter(execution_id__in=execution_ids, version=0).values_list("execution_id", "payload")
    return {execution_id: tuple(_decoder.decode(payload).created.metadata.items()) for execution_id, payload in rows}


def trace_id(execution_id: str) -> str:
    """Return the id of the trace that an execution belongs to."""
    return trace_id_of(ExecutionId(execution_id), metadata_of([execution_id]).get(execution_id, ()))
