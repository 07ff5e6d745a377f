from __future__ import annotations

import pytest

from engine.errors import ExecutionNotFound
from executions.journal.journal import SqlJournal
from executions.results import result_of
from tests.builders import make_append, make_execution_id, make_finished, make_retval, make_submit
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db

MINE = make_execution_id(7)


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def test_the_result_is_the_last_event(journal: SqlJournal) -> None:
    commit(journal, make_submit(MINE))
    assert result_of(journal, MINE) is None

    commit(journal, make_append(MINE, make_finished(89), expected=1))

    assert result_of(journal, MINE) == make_retval(89)


def test_there_is_no_result_of_what_does_not_exist(journal: SqlJournal) -> None:
    with pytest.raises(ExecutionNotFound):
        result_of(journal, MINE)
