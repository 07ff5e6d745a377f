"""The audit as a file to keep, sent piece by piece."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

import orjson
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from console.access import needs_administrator
from console.audit.entries import AuditEntry, Wanted, all_entries
from console.audit.listing import AuditForm

_COLUMNS: Final = ("at", "actor", "what", "kind", "about", "detail", "reason")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula."""


@needs_administrator
def export(request: HttpRequest) -> HttpResponseBase:
    """Return everything that the filters find, as CSV or as a JSON document a line."""
    form = AuditForm(request.GET)
    match request.GET.get("format", "csv"):
        case "csv":
            return _file(_csv(form.wanted()), "text/csv; charset=utf-8", "audit.csv")
        case "jsonl":
            return _file(_json_lines(form.wanted()), "application/x-ndjson", "audit.jsonl")
        case other:
            raise BadRequest(f"There is no export as {other[:20]!r}; take csv or jsonl.")


def _file(pieces: Iterator[bytes], content_type: str, name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(pieces, content_type=content_type, headers=headers)


def _fields(entry: AuditEntry) -> tuple[str, ...]:
    at = f"{entry.at:%Y-%m-%dT%H:%M:%S.%fZ}"
    return (at, entry.actor, entry.what, entry.place.kind, entry.about, entry.detail, entry.reason)


def _csv(wanted: Wanted) -> Iterator[bytes]:
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(_COLUMNS)
    for entry in all_entries(wanted):
        yield _taken(line)
        writer.writerow(f"'{field}" if field.startswith(_FORMULA) else field for field in _fields(entry))
    yield _taken(line)


def _taken(line: io.StringIO) -> bytes:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text.encode()


def _json_lines(wanted: Wanted) -> Iterator[bytes]:
    for entry in all_entries(wanted):
        yield orjson.dumps(dict(zip(_COLUMNS, _fields(entry), strict=True))) + b"\n"
