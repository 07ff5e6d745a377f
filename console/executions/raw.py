"""What is stored of an execution as JSON: its parts as the API says them, to look at, to keep, to ask for again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.access import needs, needs_insight
from console.executions.detail import tab_page
from console.executions.lookup import found
from console.json_html import json_tree
from console.parts.logs import LogsPart
from console.parts.windows import number_of
from console.payloads import SHOWN, payload_html, piece_html
from executions.access.scopes import Insight, Scope
from executions.api.execution_documents import document_of, labels_by_execution
from executions.api.http_exchange_views import exchange_document
from executions.api.log_documents import event_document, log_document, response_document
from executions.models import Event, Execution, HttpExchange, JoinSetResponse

_PAGE: Final = 50
_PAGE_SIZE: Final = 2_000_000
"""Characters of one page; a document that is longer stands alone."""
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class _Part:
    """One file.

    Args:
        title: What it is called.
        api: Name of the API's endpoint that answers with it.
        query: The endpoint's query.
        column: The number that its documents are in order of.
    """

    title: str
    api: str
    query: dict[str, str]
    column: str


PARTS: Final = {
    "execution": _Part("Execution", "api-status", {}, ""),
    "events": _Part("Events", "api-events", {"length": "200"}, "version"),
    "responses": _Part("Responses", "api-responses", {"length": "200"}, "cursor"),
    "logs": _Part("Log", "api-logs", {"show_derived": "true"}, "pk"),
    "http": _Part("HTTP requests", "api-http-exchanges", {"length": "200"}, "pk"),
}


@needs(Scope.READ)
@needs_insight(Insight.PAYLOAD)
def raw(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show what there is."""
    row = found(execution_id)
    files = [(name, part.title, _curl(request, row, part)) for name, part in PARTS.items()]
    return tab_page(request, execution_id, "console_raw", "executions/raw.html", files=files)


@needs(Scope.READ)
@needs_insight(Insight.PAYLOAD)
def raw_part(request: HttpRequest, execution_id: str, part: str) -> HttpResponse:
    """Show a page of a part."""
    row = found(execution_id)
    about = _known(part)
    after = number_of(request.GET, "after")
    documents: list[SafeString] = []
    size, last, more = 0, None, False
    for number, text in islice(_documents(row, part, request.GET, after), _PAGE + 1):
        size += len(text)
        if len(documents) == _PAGE or (documents and size > _PAGE_SIZE):
            more = True
            break
        documents.append(_shown(row, part, number, text))
        last = number
    return tab_page(
        request,
        execution_id,
        "console_raw",
        "executions/raw_part.html",
        part=part,
        about=about,
        documents=documents,
        curl=_curl(request, row, about),
        next=last if more else None,
        after=after,
    )


@needs(Scope.READ)
@needs_insight(Insight.PAYLOAD)
def raw_file(request: HttpRequest, execution_id: str, part: str) -> HttpResponseBase:
    """Return a part, or ``all`` of them, as a file to keep."""
    row = found(execution_id)
    pieces = _everything(row) if part == "all" else _file(row, _check(part), request.GET)
    name = f"{row.pk}-{part}".replace(":", "_").replace("/", "_")
    return StreamingHttpResponse(
        pieces,
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}.json"'},
    )


def _known(part: str) -> _Part:
    if part not in PARTS:
        raise Http404(f"There is no part {part}; there are {', '.join(PARTS)}.")
    return PARTS[part]


def _check(part: str) -> str:
    _known(part)
    return part


def _everything(row: Execution) -> Iterator[bytes]:
    for index, part in enumerate(PARTS):
        yield (b'{"' if index == 0 else b',"') + part.encode() + b'":'
        yield from _file(row, part, QueryDict())
    yield b"}"


def _file(row: Execution, part: str, query: QueryDict) -> Iterator[bytes]:
    if part == "execution":
        yield from (text for _, text in _documents(row, part, query, None))
        return
    yield b"["
    for index, (_, text) in enumerate(_documents(row, part, query, None)):
        yield (b",\n" if index else b"\n") + text
    yield b"\n]"


def _documents(row: Execution, part: str, query: QueryDict, after: int | None) -> Iterator[tuple[int, bytes]]:
    """Yield the documents of a part, each with its number, in order."""
    for number, document in _read(row, part, query, after):
        yield number, msgspec.json.encode(document)


def _read(row: Execution, part: str, query: QueryDict, after: int | None) -> Iterator[tuple[int, Any]]:
    match part:
        case "execution":
            yield 0, document_of(row, labels_by_execution([row.pk]).get(row.pk, {}))
        case "events":
            for event in _each(row.events.all(), "version", after):
                yield event.version, event_document(event)
        case "responses":
            ends = Event.objects.filter(
                execution_id=OuterRef("child_execution_id"), version=OuterRef("finished_version")
            )
            rows = JoinSetResponse.objects.filter(execution_id=row.pk).annotate(
                end=Subquery(ends.values("payload")[:1])
            )
            for response in _each(rows, "cursor", after):
                yield response.cursor, response_document(response, response.end)
        case "logs":
            logs = LogsPart(query)
            lines = logs.matching(row)
            for line in _each(logs.every(row) if lines is None else lines, "pk", after):
                yield line.pk, log_document(line)
        case _:
            for exchange in _each(HttpExchange.objects.filter(execution_id=row.pk), "pk", after):
                yield exchange.pk, exchange_document(exchange)


def _each(rows: QuerySet[Any], column: str, after: int | None) -> Iterator[Any]:
    """Yield rows in order, a few at a time: they may be large, and whoever asks may have enough."""
    while True:
        following = rows if after is None else rows.filter(**{f"{column}__gt": after})
        batch = list(following.order_by(column)[:_BATCH])
        yield from batch
        if len(batch) < _BATCH:
            return
        after = getattr(batch[-1], column)


def _shown(row: Execution, part: str, number: int, text: bytes) -> SafeString:
    if part == "events":
        event = row.events.get(version=number)
        return payload_html(event.public_payload, execution_id=row.pk, version=number)
    document = text.decode()
    if len(document) <= SHOWN:
        return format_html('<pre class="ob-value">{}</pre>', json_tree(document))
    return piece_html(document[:SHOWN], url="", begin=0, length=SHOWN) + format_html(
        '<p class="ob-subtle">{} characters in all; the file has the rest.</p>', f"{len(document):,}"
    )


def _curl(request: HttpRequest, row: Execution, part: _Part) -> str:
    url = request.build_absolute_uri(reverse(part.api, args=[row.pk]))
    query = f"?{urlencode(part.query)}" if part.query else ""
    return f"curl -H 'Accept: application/json' -H \"Authorization: Bearer $OBELISK_TOKEN\" '{url}{query}'"
