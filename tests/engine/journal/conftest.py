from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.journal.memory import MemoryJournal
from engine.journal.protocol import Journal
from executions.journal.journal import SqlJournal


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the contract in memory once, and not once for each database that the tests of a module run on."""
    again = [item for item in items if _is_again_in_memory(item)]
    if again:
        config.hook.pytest_deselected(items=again)
        items[:] = [item for item in items if not _is_again_in_memory(item)]


def _is_again_in_memory(item: pytest.Item) -> bool:
    chosen = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return (chosen.get("journal"), chosen.get("either_database")) == ("memory", "postgresql")


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
