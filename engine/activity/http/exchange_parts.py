"""What an exchange begins with and what it has first of its response."""

from __future__ import annotations

from dataclasses import dataclass

from engine.activity.http.connection import Origin
from engine.activity.http.messages import Header


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """What is sent before the body, secrets included; so it is not printed.

    Args:
        method: The method.
        origin: Whom it is sent to.
        target: Path and query.
        headers: Without ``host``, framing and connection headers.
        authority: What the ``host`` header says.
    """

    method: str
    origin: Origin
    target: str
    headers: tuple[Header, ...]
    authority: str

    def __repr__(self) -> str:
        return f"<{self.method} {self.origin.scheme}://{self.authority}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """What comes before the body; names of headers in lower case."""

    status: int
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long things may take, in seconds; ``None`` leaves it to the run's deadline.

    Args:
        connect: Until there is a connection.
        first_byte: From then until the response's head.
        between_bytes: Without a byte of the body while the guest wants one.
    """

    connect: float | None = None
    first_byte: float | None = None
    between_bytes: float | None = None
