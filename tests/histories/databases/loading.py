"""Writing a database as text, and making one of it again."""

from __future__ import annotations

import contextlib
import gzip
import sqlite3
from pathlib import Path


def dump(database: Path, path: Path) -> None:
    """Write an SQLite database as compressed SQL."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        text = "\n".join(connection.iterdump()) + "\n"
    # No time in the head: the same text gives the same file.
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def load(path: Path, database: Path) -> None:
    """Make a database of what `dump` wrote."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(gzip.decompress(path.read_bytes()).decode())
