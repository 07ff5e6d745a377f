from __future__ import annotations

from collections.abc import Iterator

import pytest

from executions.journal.journal import SqlJournal


@pytest.fixture
def journal(transactional_db: None) -> Iterator[SqlJournal]:
    """A journal with connections of its own."""
    journal = SqlJournal.dedicated()
    yield journal
    journal.close()
