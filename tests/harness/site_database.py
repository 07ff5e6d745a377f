"""What a site's processes wrote, seen from a test: its journal, and questions to its database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db.utils import ConnectionHandler

from engine.clock import SystemClock
from engine.log.ids import ExecutionId
from executions.deployed import NOTHING
from executions.journal.journal import SqlJournal
from tests.harness.eventually import eventually
from tests.harness.world import World

COMMAND_S = 120.0
"""How long a command, or an execution, may take on a busy machine."""


class SiteDatabase:
    """A database that other processes use.

    Args:
        settings: Its entry in Django's ``DATABASES``.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._database = settings

    @contextlib.contextmanager
    def journal(self) -> Iterator[SqlJournal]:
        """Open the site's journal."""
        handler = ConnectionHandler({"default": self._database})
        journal = SqlJournal.dedicated(lambda: handler.create_connection("default"))
        yield journal
        journal.close()

    @contextlib.contextmanager
    def world(self) -> Iterator[World]:
        """Open the site's journal with what tests ask of one."""
        with self.journal() as journal:
            yield World(registry=NOTHING, clock=SystemClock(), journal=journal)

    def query(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement in the site's database; return its rows, if it has any."""
        wrapper = ConnectionHandler({"default": self._database}).create_connection("default")
        try:
            with wrapper.cursor() as cursor:
                cursor.execute(sql, params)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            wrapper.close()

    def heartbeats(self) -> dict[str, int]:
        """Return the process ids of the executors on the list, by executor id."""
        return dict(self.query("SELECT executor_id, pid FROM executions_executorheartbeat"))

    def wait_until_finished(self, execution_id: ExecutionId) -> None:
        """Wait until an execution has ended."""
        with self.journal() as journal:
            eventually(lambda: journal.state_of(execution_id).is_finished, within_s=COMMAND_S)
