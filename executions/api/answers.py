"""Answers: pretty-printed JSON or plain text, as the client prefers.

Source:
    Obelisk reference, section 9.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from executions.api.problems import Problem, ProblemCode

JSON: Final = "application/json"
TEXT: Final = "text/plain"
PROBLEM_JSON: Final = "application/problem+json"


def wants_text(request: HttpRequest | Request, *, by_default: bool = False) -> bool:
    """Tell whether the client prefers plain text to JSON; what it asks for in vain does not count.

    Args:
        request: The request.
        by_default: What to give to somebody who takes both alike.
    """
    kinds = [TEXT, JSON] if by_default else [JSON, TEXT]
    preferred = _plain(request).get_preferred_type(kinds)
    return by_default if preferred is None else preferred == TEXT


def json_answer(
    document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = JSON
) -> HttpResponse:
    """Return an answer of one JSON document, indented for people.

    Args:
        document: Anything that `msgspec` encodes.
        status: HTTP status.
        headers: More headers.
        content_type: What to call it.
    """
    return HttpResponse(pretty(document), status=status, headers=_headers(headers), content_type=content_type)


def text_answer(text: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return an answer of plain text."""
    return HttpResponse(text, status=status, headers=_headers(headers), content_type=f"{TEXT}; charset=utf-8")


def message(
    request: Request, text: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return the short answer to a request that succeeded: ``{"ok": text}``, or the text alone."""
    if wants_text(request):
        return text_answer(text, status=status, headers=headers)
    return json_answer({"ok": text}, status=status, headers=headers)


def problem_answer(request: HttpRequest | Request, problem: Problem) -> HttpResponse:
    """Return the answer to a request that is refused: a problem document, or its message alone."""
    # Obelisk's refusal of a token is bare text; who asks for JSON by name gets JSON.
    bare = problem.code is ProblemCode.UNAUTHENTICATED and "json" not in _plain(request).headers.get("Accept", "")
    if bare or wants_text(request):
        return text_answer(problem.err, status=problem.status, headers=problem.headers)
    return json_answer(problem.document(), status=problem.status, headers=problem.headers, content_type=PROBLEM_JSON)


def pretty(document: Any) -> bytes:
    """Return a document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def _headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"Cache-Control": "no-store", "Vary": "Accept", **(headers or {})}


def _plain(request: HttpRequest | Request) -> HttpRequest:
    return request._request if isinstance(request, Request) else request
