"""A small HTTP client for activities. Every request passes the deployment's ``allowed_host`` rules.

Secrets in ``os.environ`` are placeholders: put them where the rule says, and the host replaces them on the way out.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from obelisk.errors import PermanentError

_RETRIED = (408, 425, 429)


class Error(Exception):
    """A request failed; the activity is tried again, unless the subclass says otherwise."""


class StatusError(Error):
    """The server answered with an error status.

    Args:
        response: The answer.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status} from {response.url}")
        self.response = response

    @property
    def is_permanent(self) -> bool:
        """Whether another attempt is useless: a status 4xx but 408, 425 and 429."""
        return 400 <= self.response.status < 500 and self.response.status not in _RETRIED

    @property
    def after(self) -> timedelta | None:
        """How long the server asks to wait, by its Retry-After."""
        return _retry_after(self.response.headers.get("retry-after"))


class Timeout(Error):
    """No answer came in time."""


class ConnectError(Error):
    """No connection could be made."""


class Denied(Error, PermanentError):
    """The deployment or the operator does not allow the request."""


class Headers(Mapping[str, str]):
    """Headers by name in any case; several of one name are joined by a comma."""

    def __init__(self, items: list[tuple[str, str]]) -> None:
        self.items_list = items
        self._values: dict[str, str] = {}
        for name, value in items:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self.items_list!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as it goes to the host."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    content: bytes | None
    timeout: float
    follow_redirects: bool


class Response:
    """An answer."""

    def __init__(self, *, status: int, headers: list[tuple[str, str]], content: bytes, url: str) -> None:
        self.status = status
        self.headers = Headers(headers)
        self.content = content
        self.url = url

    def __repr__(self) -> str:
        """Tell the status."""
        return f"<Response {self.status}>"

    @property
    def text(self) -> str:
        """The body as text, in the charset that the server names or UTF-8."""
        _, _, charset = self.headers.get("content-type", "").partition("charset=")
        try:
            return self.content.decode(charset.split(";")[0].strip(' "') or "utf-8", errors="replace")
        except LookupError:
            return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Return the body as JSON data."""
        return json_module.loads(self.content)

    def raise_for_status(self) -> Response:
        """Return itself.

        Raises:
            StatusError: If the status is 400 or more; it tells by itself whether the activity is tried again.
        """
        if self.status >= 400:
            raise StatusError(self)
        return self


def request(
    method: str,
    url: str,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    data: Mapping[str, Any] | None = None,
    content: bytes | str | None = None,
    timeout: float = 10,
    follow_redirects: bool = True,
) -> Response:
    """Send a request and return the answer.

    Args:
        method: Such as ``GET``.
        url: With scheme.
        params: Appended to the query.
        headers: By name.
        json: JSON data for the body.
        data: A form for the body.
        content: The body as it is.
        timeout: Seconds for the whole request.
        follow_redirects: Whether redirects are followed; each hop passes the rules.

    Raises:
        Error: If no answer came; says why by its class.
    """
    from obelisk import backends  # here, since backends name this module's classes

    sent = list((headers or {}).items())
    body, content_type = _body(json, data, content)
    if content_type is not None and not any(name.lower() == "content-type" for name, _ in sent):
        sent.append(("content-type", content_type))
    if params:
        url = f"{url}{'&' if '?' in url else '?'}{urlencode(params, doseq=True)}"
    return backends.current().http(
        Request(
            method=method.upper(),
            url=url,
            headers=sent,
            content=body,
            timeout=timeout,
            follow_redirects=follow_redirects,
        )
    )


def get(url: str, **options: Any) -> Response:
    """Send a GET; options are those of `request`."""
    return request("GET", url, **options)


def post(url: str, **options: Any) -> Response:
    """Send a POST; options are those of `request`."""
    return request("POST", url, **options)


def put(url: str, **options: Any) -> Response:
    """Send a PUT; options are those of `request`."""
    return request("PUT", url, **options)


def patch(url: str, **options: Any) -> Response:
    """Send a PATCH; options are those of `request`."""
    return request("PATCH", url, **options)


def delete(url: str, **options: Any) -> Response:
    """Send a DELETE; options are those of `request`."""
    return request("DELETE", url, **options)


def head(url: str, **options: Any) -> Response:
    """Send a HEAD; options are those of `request`."""
    return request("HEAD", url, **options)


def _body(json: Any, data: Mapping[str, Any] | None, content: bytes | str | None) -> tuple[bytes | None, str | None]:
    if sum(given is not None for given in (json, data, content)) > 1:
        raise TypeError("give one of json, data and content")
    if json is not None:
        return json_module.dumps(json, ensure_ascii=False).encode(), "application/json"
    if data is not None:
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
    return (content.encode() if isinstance(content, str) else content), None


def _retry_after(value: str | None) -> timedelta | None:
    if value is None:
        return None
    if value.strip().isdigit():
        return timedelta(seconds=min(int(value), 86_400))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(timedelta(), at - datetime.now(UTC)) if at.utcoffset() is not None else None
