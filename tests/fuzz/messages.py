"""HTTP requests as bytes: what a case of the fuzzer is, and what its files hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

TOKEN = b"Bearer TOKEN"
"""Stands in cases for the authorization of the site at hand, whose token differs each time."""

_HEAD = re.compile(rb"\A([^ \r\n]*) ([^\r\n]*) HTTP/1\.1\r\n((?:[^\r\n]+\r\n)*)\r\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that is hostile in what it says, not in how it is framed.

    Args:
        method: As it stands in the first line.
        target: Path and query, as they stand there.
        headers: In order, without ``Content-Length``.
        body: All of it.
    """

    method: bytes = b"GET"
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the request as it goes over a connection."""
        lines = [b"%s %s HTTP/1.1" % (self.method, self.target)]
        lines += [b"%s: %s" % header for header in self.headers]
        if self.body or self.method not in (b"GET", b"HEAD"):
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join([*lines, b"", self.body])


def parse_request(content: bytes) -> Request:
    """Return the request that `Request.encode` wrote.

    Raises:
        ValueError: If it is none.
    """
    found = _HEAD.match(content)
    if found is None:
        raise ValueError("no HTTP request")
    headers = []
    for line in found[3].split(b"\r\n")[:-1]:
        name, colon, value = line.partition(b": ")
        if not colon:
            raise ValueError(f"no header: {line[:100]!r}")
        if name != b"Content-Length":
            headers.append((name, value))
    return Request(method=found[1], target=found[2], headers=tuple(headers), body=content[found.end() :])


def to_api(
    method: str, path: str, body: bytes = b"", *, headers: Iterable[tuple[bytes, bytes]] = (), kind: str = "json"
) -> Request:
    """Return a request to the API with everything that it asks of one.

    Args:
        method: Of the request.
        path: Below ``/v1/``, as it stands in a request.
        body: Its body.
        headers: More headers.
        kind: Subtype of the body's ``application/`` type; or a whole type.
    """
    media_type = kind if "/" in kind else f"application/{kind}"
    named = [(b"Authorization", TOKEN), (b"Accept", b"application/json"), *headers]
    if body:
        named.append((b"Content-Type", media_type.encode()))
    return Request(
        method=method.encode(), target=b"/v1/" + path.encode("utf-8", "surrogatepass"), headers=tuple(named), body=body
    )
