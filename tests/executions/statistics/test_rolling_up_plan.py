from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from executions.statistics import rolling_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {rolling_up._COUNT}", (5, 10))
        yield "\n".join(row[3] for row in cursor.fetchall())


def test_only_what_is_new_is_read(plan: str) -> None:
    assert "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in plan
    assert "SEARCH x USING INDEX sqlite_autoindex_executions_execution_1 (execution_id=?)" in plan
    assert plan.count("SEARCH l USING INDEX") == 1, "once for each end, not for each bucket's bound"
    assert "SCAN e" not in plan
