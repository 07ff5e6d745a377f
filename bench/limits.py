"""What the machine gives at the moment: its disk, and its processor under this interpreter.

Both vary from minute to minute where a machine is shared; figures can be compared by their ratio to these.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

_COMMITS = 1000
_ITERATIONS = 300_000


def commits_per_s(directory: Path) -> float:
    """Return how many one-row transactions a second become durable, with the settings of the site's database."""
    connection = sqlite3.connect(directory / "limit.sqlite3", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE counter (value INTEGER)")
        started = time.perf_counter()
        for value in range(_COMMITS):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO counter VALUES (?)", (value,))
            connection.execute("COMMIT")
        return _COMMITS / (time.perf_counter() - started)
    finally:
        connection.close()


def mloops_per_s() -> float:
    """Return how many millions of iterations a second a plain loop makes."""
    started = time.perf_counter()
    total = 0
    for number in range(_ITERATIONS):
        total += number * number % 7
    return _ITERATIONS / (time.perf_counter() - started) / 1e6
