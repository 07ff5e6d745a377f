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


@pytest.fixture
def journals() -> Iterator[tuple[SqlJournal, SqlJournal]]:
    """Two journals with connections of their own, as two processes have them."""
    journals = SqlJournal.dedicated(), SqlJournal.dedicated()
    yield journals
    for journal in journals:
        journal.close()
