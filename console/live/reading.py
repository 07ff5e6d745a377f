"""Reading the database for sockets, on a few threads that keep their connections.

A request's thread would open a connection for every frame; and however many pages are open, no more than these few ask
the database at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from django.db import DatabaseError, connection

T = TypeVar("T")

_THREADS: Final = 2

_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="console-reader")


async def reading(call: Callable[[], T]) -> T:
    """Return what a function reads.

    Raises:
        DatabaseError: If the database did not answer; the next call gets another connection.
    """
    return await asyncio.get_running_loop().run_in_executor(_pool, _call, call)


def answer() -> None:
    """Make the database give a sign of life; for `reading`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM django_session LIMIT 1")


def _call(call: Callable[[], T]) -> T:
    try:
        return call()
    except DatabaseError:
        connection.close()
        raise
