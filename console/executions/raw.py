"""Everything there is about an execution as one JSON document, sent piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from console.access import needs, needs_insight
from console.executions.lookup import found
from executions.access.scopes import Insight, Scope
from executions.models import Execution


@needs(Scope.READ)
@needs_insight(Insight.PAYLOAD)
def raw(request: HttpRequest, execution_id: str) -> HttpResponseBase:
    """Return the document as a file to keep."""
    row = found(execution_id)
    return StreamingHttpResponse(
        _pieces(row),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{row.pk.replace(":", "_").replace("/", "_")}.json"'},
    )


def _pieces(row: Execution) -> Iterator[bytes]:
    head = orjson.dumps({"execution_id": row.pk, "ffqn": row.ffqn, "component_digest": row.component_digest})
    yield head[:-1] + b',"events":['
    for index, event in enumerate(row.events.order_by("version").iterator(500)):
        about = orjson.dumps({"version": event.version, "created_at": event.created_at})
        yield (b"," if index else b"") + about[:-1] + b',"event":' + event.public_payload.encode() + b"}"
    yield b'],"responses":['
    for index, response in enumerate(row.responses.order_by("cursor").iterator(500)):
        yield (b"," if index else b"") + orjson.dumps(
            {
                "cursor": response.cursor,
                "join_set_id": response.join_set_id,
                "created_at": response.created_at,
                "child_execution_id": response.child_execution_id,
                "delay_id": response.delay_id,
                "delay_cancelled": response.delay_cancelled,
            }
        )
    yield b"]}"
