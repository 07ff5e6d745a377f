"""A small HTTP client for activities. Every request passes the deployment's ``allowed_host`` rules.

Secrets in ``os.environ`` are placeholders: put them where the rule says, and the host replaces them on the way out.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from obelisk.errors import PermanentError

if TYPE_CHECKING:
    from obelisk.backends import Backend

_RETRIED = (408, 425, 429)
_LONGEST_LINE = 1 << 20
_MOST_OF_AN_ERROR = 65_536


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


class _Head:
    """What comes before the body of an answer."""

    def __init__(self, *, status: int, headers: list[tuple[str, str]], url: str) -> None:
        self.status = status
        self.headers = Headers(headers)
        self.url = url

    def __repr__(self) -> str:
        """Tell the status."""
        return f"<{type(self).__name__} {self.status}>"

    def _decode(self, content: bytes) -> str:
        _, _, charset = self.headers.get("content-type", "").partition("charset=")
        try:
            return content.decode(charset.split(";")[0].strip(' "') or "utf-8", errors="replace")
        except LookupError:
            return content.decode(errors="replace")


class Response(_Head):
    """An answer."""

    def __init__(self, *, status: int, headers: list[tuple[str, str]], content: bytes, url: str) -> None:
        super().__init__(status=status, headers=headers, url=url)
        self.content = content

    @property
    def text(self) -> str:
        """The body as text, in the charset that the server names or UTF-8."""
        return self._decode(self.content)

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


class BodyPort(Protocol):
    """Where the body of a `ResponseStream` comes from."""

    def read(self, most: int) -> bytes:
        """Wait for more and return up to ``most`` bytes of it; nothing at the end."""
        ...

    def close(self) -> None:
        """Give up what was not read."""
        ...


class ResponseStream(_Head):
    """An answer whose body is read piece by piece, once; `stream` makes it. To be used in a ``with``."""

    def __init__(self, port: BodyPort, *, status: int, headers: list[tuple[str, str]], url: str) -> None:
        super().__init__(status=status, headers=headers, url=url)
        self._port = port

    def __enter__(self) -> ResponseStream:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def iter_bytes(self, size: int = 65_536) -> Iterator[bytes]:
        """Go through the body in the pieces in which it comes in.

        Args:
            size: Most bytes of a piece, up to 1 MiB.

        Raises:
            Error: If the body breaks off.
        """
        while piece := self._port.read(size):
            yield piece

    def iter_lines(self) -> Iterator[str]:
        """Go through the body by lines, without their ends, in the charset that the server names or UTF-8.

        Raises:
            Error: If the body breaks off, or a line is longer than 1 MiB.
        """
        rest = b""
        for piece in self.iter_bytes():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield self._decode(line.removesuffix(b"\r"))
            if len(rest) > _LONGEST_LINE:
                raise Error(f"a line from {self.url} is longer than {_LONGEST_LINE >> 20} MiB; use iter_bytes()")
        if rest:
            yield self._decode(rest)

    def raise_for_status(self) -> ResponseStream:
        """Return itself.

        Raises:
            StatusError: If the status is 400 or more; its response has the beginning of the body.
        """
        if self.status >= 400:
            content = b""
            for piece in self.iter_bytes():
                content += piece
                if len(content) >= _MOST_OF_AN_ERROR:
                    break
            raise StatusError(
                Response(status=self.status, headers=self.headers.items_list, content=content, url=self.url)
            )
        return self

    def close(self) -> None:
        """Give up what was not read; the second time does nothing."""
        self._port.close()


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
    return _backend().http(
        _request(
            method,
            url,
            params=params,
            headers=headers,
            json=json,
            data=data,
            content=content,
            timeout=timeout,
            follow_redirects=follow_redirects,
        )
    )


def stream(method: str, url: str, **options: Any) -> ResponseStream:
    """Send a request and return the answer when its headers are there, to read its body piece by piece.

    ::

        with http.stream("GET", url) as answer:
            for line in answer.raise_for_status().iter_lines():
                ...

    Args:
        method: Such as ``GET``.
        url: With scheme.
        options: Those of `request`; ``timeout`` is for the headers and for each wait for more of the body.

    Raises:
        Error: If no answer came; says why by its class.
    """
    return _backend().http_stream(_request(method, url, **options))


def _backend() -> Backend:
    from obelisk import backends  # here, since backends name this module's classes

    return backends.current()


def _request(
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
) -> Request:
    sent = list((headers or {}).items())
    body, content_type = _body(json, data, content)
    if content_type is not None and not any(name.lower() == "content-type" for name, _ in sent):
        sent.append(("content-type", content_type))
    if params:
        url = f"{url}{'&' if '?' in url else '?'}{urlencode(params, doseq=True)}"
    return Request(
        method=method.upper(),
        url=url,
        headers=sent,
        content=body,
        timeout=timeout,
        follow_redirects=follow_redirects,
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
