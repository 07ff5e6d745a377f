"""What an ASGI scope says of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from engine.activity.http.messages import Header

Scope = Mapping[str, Any]

_MAX_LENGTH_DIGITS = 18


def headers_of(scope: Scope) -> tuple[Header, ...]:
    """Return the headers."""
    return tuple((name.decode("latin-1"), value) for name, value in scope["headers"])


def raw_path(scope: Scope) -> str:
    """Return the path as the client wrote it; empty for what is no HTTP request."""
    if scope["type"] != "http":
        return ""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


def target_of(path: str, scope: Scope) -> str:
    """Return a path with the request's query."""
    query: bytes = scope.get("query_string", b"")
    return f"{path}?{query.decode('latin-1')}" if query else path


def authority_of(headers: tuple[Header, ...]) -> str | None:
    """Return the host and port that the client names."""
    return next((value.decode("latin-1") for name, value in headers if name == "host"), None)


def declared_length(scope: Scope) -> int:
    """Return what a request says about the length of its body; 0 if it says nothing, or nonsense."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) <= _MAX_LENGTH_DIGITS:
            return int(value)
    return 0
