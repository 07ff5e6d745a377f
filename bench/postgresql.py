"""``python -m bench.postgresql NAME``: one run of one measure on PostgreSQL, with two executor processes.

The server is private, in a temporary folder, and as durable as PostgreSQL is by default: a commit is on the disk when
it returns.
"""

from __future__ import annotations

import json
import os
import sys
import time

import psycopg

from bench.executor import second_executor
from bench.site import Bench, set_up_site
from tests.harness.postgresql import PrivateServer

#: Nothing that weakens a commit.
_SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "4GB", "max_connections": "100"}
_COMMITS = 300


def commits_per_s(url: str) -> float:
    """Return how many one-row transactions a second one connection makes durable."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_counter (value INTEGER)")
        started = time.perf_counter()
        for value in range(_COMMITS):
            connection.execute("INSERT INTO bench_counter VALUES (%s)", [value])
        elapsed = time.perf_counter() - started
        connection.execute("DROP TABLE bench_counter")
    return _COMMITS / elapsed


def main(name: str) -> None:
    """Measure once and print the figures as JSON."""
    with PrivateServer(_SETTINGS) as server:
        url = server.create_database("bench")
        limit = commits_per_s(url)
        os.environ["OBELISK_DATABASE_URL"] = url
        set_up_site()
        from bench.measures import MEASURES

        with Bench(is_alone=False) as bench, second_executor():
            figures = MEASURES[name](bench)
    print(json.dumps({**figures, "commits_per_s": limit}))


if __name__ == "__main__":
    main(sys.argv[1])
