"""The machine's own limit: how often a second SQLite can commit one row to this disk."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

_COMMITS = 1000


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
