"""Asking again when the connection to the server is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import click

from obelisk.client.api import Refused, Unreachable
from obelisk.client.output import Output

T = TypeVar("T")

_MOST_FAILURES = 10
"""In a row; with the waits between them, half a minute."""
_LONGEST_WAIT_S = 5.0
_WAS_CONNECTED_S = 30.0
"""A question that took so long was heard, so what then failed begins a new row."""
_NOT_NOW = (502, 503, 504)
"""A server that starts, or a proxy before one that is not there."""

reconnect_option = click.option(
    "--no-reconnect", is_flag=True, help="With --follow: give up when the connection breaks off."
)


def ask_patiently(question: Callable[[], T], out: Output, *, reconnect: bool) -> T:
    """Return the answer to a question that may be asked again.

    Args:
        question: Asks the server.
        out: Where to say that the connection was lost.
        reconnect: Whether to ask again.

    Raises:
        ClientError: If the server refuses, or the connection is lost for good.
    """
    failures = 0
    while True:
        asked_at = time.monotonic()
        try:
            return question()
        except (Refused, Unreachable) as error:
            if not reconnect or (isinstance(error, Refused) and error.status not in _NOT_NOW):
                raise
            failures = 1 if time.monotonic() - asked_at > _WAS_CONNECTED_S else failures + 1
            if failures > _MOST_FAILURES:
                raise
            if failures == 1:
                out.note(f"{error}; trying again")
            time.sleep(min(_LONGEST_WAIT_S, 0.1 * 2**failures))
