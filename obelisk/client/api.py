"""The connection to the server's REST API."""

from __future__ import annotations

import math
import socket
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

DEFAULT_URL = "http://127.0.0.1:8000"
_CONNECT_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 60.0
_UPLOAD_TIMEOUT_S = 600.0
"""What is sent is compiled before the answer comes."""
_KEEP_ALIVE = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # Not every system can be told how often.
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
        if hasattr(socket, name)
    ),
]
_JSON = {"Accept": "application/json"}
_TEXT = {"Accept": "text/plain"}
_ANYTHING = {"Accept": "*/*"}

_REMEDIES = {
    requests.codes.unauthorized: " (set OBELISK_API_TOKEN, or give --api-token)",
    requests.codes.forbidden: " (OBELISK_API_TOKEN or --api-token must name a token that has it)",
}

Query = Mapping[str, str | int | bool | Sequence[str] | None]
Files = Sequence[tuple[str, tuple[str | None, bytes]]]


class ClientError(Exception):
    """Something that the user has to know: one sentence."""


class Unreachable(ClientError):
    """There is no connection to the server, or it broke off."""


class Refused(ClientError):
    """The server answered with an error.

    Args:
        status: HTTP status.
        message: What the server said.
        document: The answer's JSON, if it was JSON.
    """

    def __init__(self, status: int, message: str, document: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.document = document

    @property
    def kind(self) -> str | None:
        """The answer's ``type``, by which Obelisk tells apart what became of a replay."""
        return self.document.get("type") if isinstance(self.document, dict) else None


class _Adapter(HTTPAdapter):
    """Notices after a minute or two that a server is gone which nobody can hear: who follows may wait for days."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, socket_options=_KEEP_ALIVE, **options)


class Api:
    """Sends requests and reads answers; to be used in a ``with``.

    Args:
        url: Where the server is, without ``/v1``.
        token: API token, if the server wants one.
        patience_s: How long the server may take to answer, in seconds.

    Raises:
        ClientError: If one of them cannot be what it should be.
    """

    def __init__(self, url: str, token: str | None, *, patience_s: float = _READ_TIMEOUT_S) -> None:
        if not _is_address(url):
            raise ClientError(f"{url} is no address such as {DEFAULT_URL} (--api-url or OBELISK_API_URL says where)")
        if token and not (token.isascii() and token.isprintable()):
            raise ClientError("the API token holds characters that no token has; look at OBELISK_API_TOKEN")
        self._url = url.rstrip("/")
        self._token = token
        self._patience_s = patience_s
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter())
        # Proxies and credentials of the environment are not for this server.
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.close()

    def another(self, *, patience_s: float) -> Api:
        """Return a further connection to the same server, for another thread."""
        return Api(self._url, self._token, patience_s=patience_s)

    def get(self, *path: str, **query: Any) -> Any:
        """Return the JSON at a path.

        Args:
            path: Segments below ``/v1``.
            query: Parameters; ``None`` leaves one out, a list repeats it.

        Raises:
            Refused: If the server says no.
            Unreachable: If it does not answer.
        """
        return _read_json(self._send("GET", path, query=query))

    def text(self, *path: str, **query: Any) -> str:
        """Return the text at a path; arguments and errors as for `get`."""
        return self._send("GET", path, query=query, headers=_TEXT).text

    def content(self, *path: str) -> bytes:
        """Return the bytes of a file; arguments and errors as for `get`."""
        return self._send("GET", path, headers=_ANYTHING).content

    def put(self, *path: str, body: Any = None, **query: Any) -> Any:
        """Send a PUT request with a JSON body, and return the JSON that comes back; errors as for `get`."""
        return _read_json(self._send("PUT", path, query=query, json=body))

    def post(self, *path: str, body: Any = None, **query: Any) -> Any:
        """Send a POST request with a JSON body, and return the JSON that comes back; errors as for `get`."""
        return _read_json(self._send("POST", path, query=query, json=body))

    def upload(self, *path: str, fields: Mapping[str, str], files: Files) -> Any:
        """Send a form with files, and return the JSON that comes back; errors as for `get`.

        Args:
            path: Segments below ``/v1``.
            fields: Text parts.
            files: Field name, file name and content of each file.
        """
        parts: list[tuple[str, tuple[str | None, str | bytes]]] = [
            *((name, (None, value)) for name, value in fields.items()),
            *files,
        ]
        return _read_json(self._send("POST", path, files=parts, patience_s=_UPLOAD_TIMEOUT_S))

    def wait(self, *path: str) -> Any:
        """Return the JSON that the server sends once an execution has ended, however long that takes; as `get`."""
        return _read_json(self._send("GET", path, query={"follow": True}, patience_s=math.inf))

    def _send(
        self,
        method: str,
        path: Sequence[str],
        *,
        query: Query | None = None,
        json: Any = None,
        files: Any = None,
        headers: Mapping[str, str] = _JSON,
        patience_s: float | None = None,
    ) -> requests.Response:
        patience_s = self._patience_s if patience_s is None else patience_s
        # Ids hold colons, and names of join sets slashes.
        url = "/".join([self._url, "v1", *(quote(segment, safe=":@") for segment in path)])
        try:
            response = self._session.request(
                method,
                url,
                params=_params(query or {}),
                json=json,
                files=files,
                headers=headers,
                timeout=(min(_CONNECT_TIMEOUT_S, self._patience_s), None if patience_s == math.inf else patience_s),
                allow_redirects=False,
            )
        except requests.Timeout as error:
            raise Unreachable(f"{self._url} did not answer in time") from error
        except requests.RequestException as error:
            raise Unreachable(
                f"no connection to {self._url}; is the server running there? (--api-url or OBELISK_API_URL says where)"
            ) from error
        if not response.ok:
            raise _refused(response)
        return response


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _params(query: Query) -> list[tuple[str, str]]:
    return [
        (name, str(each).lower() if isinstance(each, bool) else str(each))
        for name, value in query.items()
        for each in (value if isinstance(value, list | tuple) else [value])
        if each is not None
    ]


def _read_json(response: requests.Response) -> Any:
    if not response.content:
        raise Unreachable("the server closed the connection before it answered")
    try:
        return response.json()
    except requests.JSONDecodeError as error:
        raise ClientError(f"{response.url} answers with something else than JSON; is it an Obelisk server?") from error


def _refused(response: requests.Response) -> Refused:
    try:
        document = response.json()
    except requests.JSONDecodeError:
        document = None
    status = response.status_code
    if isinstance(document, dict):
        # A problem document says more than the word that Obelisk has for it.
        message = document.get("detail") or document.get("err") or document.get("title")
    elif response.headers.get("Content-Type", "").startswith("text/html"):
        message = f"{response.url} answers with status {status} and a page for browsers; is it an Obelisk server?"
    else:
        message = response.text.strip()
    message = str(message or f"the server answers with status {status}")
    return Refused(status, message + _REMEDIES.get(status, ""), document)
