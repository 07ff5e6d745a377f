"""A client of a site's API that knows nothing but HTTP."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.acceptance.sites import Site
from tests.executions.api.forms import BOUNDARY, part

READY = "Ctrl-C stops everything."
PATIENCE_S = 60.0
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API said."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body, which must be plain text."""
        assert self.headers["Content-Type"] == "text/plain; charset=utf-8", (self.headers["Content-Type"], self.body)
        return self.body.decode()

    @property
    def problem(self) -> tuple[int, str, str]:
        """Status, code and Obelisk's message; the answer must be a problem document."""
        assert self.headers["Content-Type"] == PROBLEM, (self.status, self.headers["Content-Type"], self.body)
        document = self.json
        assert document["status"] == self.status
        return self.status, document["code"], document["err"]


class Client:
    """A client with its token; each request has a connection of its own."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token

    @contextmanager
    def open(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request and give its response, whose body may be yet to come.

        Args:
            method: Of the request.
            path: Below ``/v1/``.
            body: A document to send as JSON; bytes are sent as they are.
            headers: More headers, or others.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        sent = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        with closing(connection):
            connection.request(method, f"/v1/{path}", content, sent)
            with closing(connection.getresponse()) as response:
                yield response

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """Send a request and return its whole answer; underscores in names of headers stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.open(method, path, body, named) as response:
            return Reply(response.status, response.headers, response.read())

    def send(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Send a request and return the status and the document of its answer."""
        reply = self.ask(method, path, body, **headers)
        return reply.status, reply.json

    def send_form(self, path: str, *parts: tuple[str, bytes | str, str | None]) -> Reply:
        """Post a form; each of its parts is a name, a content, and the name of a file if it is one."""
        body = b"".join(part(*each) for each in parts) + f"--{BOUNDARY}--\r\n".encode()
        return self.ask("POST", path, body, Content_Type=f"multipart/form-data; boundary={BOUNDARY}")

    def text(self, method: str, path: str, body: object = None, *, accept: str = "text/plain") -> tuple[int, str]:
        """Send a request and return the status and the plain text of its answer."""
        reply = self.ask(method, path, body, Accept=accept)
        return reply.status, reply.text


def serve(site: Site) -> Client:
    """Start a site as ``make run`` does, without its job; return a client with the token that it printed."""
    out = site.start("serve", "--no-job").wait_for(READY)
    token = re.search(r"^Token:\s+(\S+)$", out, re.MULTILINE)
    assert token is not None, out
    return Client(site.port, token[1])
