from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.journal.memory import MemoryJournal
from engine.journal.protocol import Journal
from executions.journal.journal import SqlJournal


@pytest.fixture(
    params=[
        "memory",
        pytest.param("sql", marks=pytest.mark.django_db(transaction=True)),
        pytest.param("sql-in-a-transaction", marks=pytest.mark.django_db),
    ]
)
def journal(request: pytest.FixtureRequest) -> Iterator[Journal]:
    """Every journal there is; who asks for it states what all of them promise."""
    if request.param == "memory":
        yield MemoryJournal()
    elif request.param == "sql":
        sql = SqlJournal.dedicated()
        yield sql
        sql.close()
    else:
        yield SqlJournal.for_current_connection()
