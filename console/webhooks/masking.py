"""What is shown of requests without what may be a secret in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from console.seeing import payload, shows
from executions.access.scopes import Insight
from webhooks.deliveries import may_be_secret

MASK: Final = "•••"


def masked_target(target: str) -> str:
    """Return a path with its query, in which values of parameters that may be secrets are masked.

    Whoever may see no values sees none of it: paths and queries are made of them.
    """
    if not shows(Insight.PAYLOAD):
        return "/…"
    path, question, query = target.partition("?")
    return path + question + "&".join(_masked_pair(pair) for pair in query.split("&"))


def masked_headers(headers: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    """Return headers as names and values, in which those that may be secrets are masked."""
    return [(name, MASK if may_be_secret(name) else payload(value)) for name, value in headers]


def _masked_pair(pair: str) -> str:
    name, equals, _value = pair.partition("=")
    return f"{name}={MASK}" if equals and may_be_secret(name) else pair
