"""A client of the API, with the real URLs, middleware and database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpResponseBase
from django.test import Client

from executions.access.scopes import Scope
from executions.access.tokens import issue_token

PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> str:
        """The code of a problem; the answer must be a problem document."""
        assert self.headers["Content-Type"] == PROBLEM, (self.status, self.body)
        document = self.json
        assert document["status"] == self.status
        assert document["err"]
        return str(document["code"])


class Api:
    """A client with a token.

    Args:
        scopes: What the token allows; all by default.
        token: Another text to send as the token; an empty one for none.
    """

    def __init__(self, scopes: Iterable[Scope] = tuple(Scope), *, token: str | None = None) -> None:
        self._client = Client()
        self.token = issue_token("a test", scopes)[1] if token is None else token

    def get(self, path: str, query: Any = None, **headers: str) -> Answer:
        return self.send("GET", path, query=query, headers=headers)

    def post(self, path: str, body: object, query: Any = None, **headers: str) -> Answer:
        return self.send("POST", path, orjson.dumps(body), query=query, headers=headers)

    def put(self, path: str, body: object = None, query: Any = None, **headers: str) -> Answer:
        return self.send("PUT", path, b"" if body is None else orjson.dumps(body), query=query, headers=headers)

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: Any = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        sent.setdefault("Accept", "application/json")
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        answer: Any = self._client.generic(
            method, f"/v1/{path}", body, content_type=content_type, headers=sent, query_params=query
        )
        return Answer(answer.status_code, _content(answer), answer.headers)


def _content(answer: HttpResponseBase) -> bytes:
    return b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined]  # by its kind
