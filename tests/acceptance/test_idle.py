"""What executors with nothing to do ask of the database."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.signals import connection_created

from executions.hosting import ExecutorHost
from executions.models import ExecutorHeartbeat
from tests.executions.deployments import deploy_runnable
from tests.harness.eventually import eventually
from tests.harness.postgresql import CARELESS, MISSING, PrivateServer, find_binaries
from tests.harness.topology import Topology

# They wait for most of a minute, beside whatever else the machine does.
pytestmark = pytest.mark.timeout(600)

EXECUTORS = 3
SETTLING_S = 15.0
WINDOW_S = 30.0

COUNT = """
SELECT query, calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() AND query NOT LIKE %s
"""


def told(seen: Counter[str]) -> str:
    """Return what was asked, the most frequent first, for people."""
    return "\n".join(f"{count:5} {' '.join(statement.split())[:150]}" for statement, count in seen.most_common())


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)


@pytest.fixture
def topology(tmp_path: Path) -> Iterator[Topology]:
    if find_binaries() is None:
        pytest.skip(MISSING)
    options = {**CARELESS, "shared_preload_libraries": "pg_stat_statements"}
    with PrivateServer(options) as server, Topology(tmp_path, server=server) as topology:
        topology.manage("migrate", "-v0")
        topology.manage("deploy", "examples/compiled.toml")
        yield topology


def statements(topology: Topology) -> Counter[str]:
    """Return how often each statement was run so far, those that bracket transactions among them."""
    return Counter(dict(topology.query(COUNT, "%pg_stat_statements%")))


def test_on_postgresql_each_executor_asks_at_most_once_a_second(topology: Topology) -> None:
    topology.query("CREATE EXTENSION pg_stat_statements")
    for _ in range(EXECUTORS):
        topology.add_executor()
    # They load components, and count what came before them.
    wait(SETTLING_S)

    before = statements(topology)
    wait(WINDOW_S)
    asked = statements(topology) - before

    sys.stdout.write(f"\nPostgreSQL: {asked.total() / WINDOW_S / EXECUTORS:.2f} statements a second and executor\n")
    assert EXECUTORS * WINDOW_S / 10 <= asked.total() <= EXECUTORS * WINDOW_S, told(asked)


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """The statements of every connection to SQLite that is opened from now on; ``PRAGMA``s read no rows."""
    statements: list[str] = []

    def note(statement: str) -> None:
        if not statement.startswith("PRAGMA"):
            statements.append(statement)

    def trace(connection: Any, **_signal: Any) -> None:
        connection.connection.set_trace_callback(note)

    connection_created.connect(trace, weak=False, dispatch_uid="tests.idle")
    yield statements
    connection_created.disconnect(dispatch_uid="tests.idle")


@pytest.mark.django_db(transaction=True)
def test_on_sqlite_an_executor_asks_at_most_once_a_second(tmp_path: Path, asked: list[str]) -> None:
    deploy_runnable(tmp_path)
    host = ExecutorHost()
    host.start()
    try:
        eventually(ExecutorHeartbeat.objects.exists)
        wait(SETTLING_S)

        asked.clear()
        wait(WINDOW_S)
        seen = Counter(asked)
    finally:
        host.stop()

    sys.stdout.write(f"\nSQLite: {seen.total() / WINDOW_S:.2f} statements a second\n")
    assert WINDOW_S / 10 <= seen.total() <= WINDOW_S, told(seen)
