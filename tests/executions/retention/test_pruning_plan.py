from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.retention.pruning import prune
from executions.retention.rules import parse_rules
from tests.builders import NOW

pytestmark = pytest.mark.django_db


def test_looking_for_old_executions_follows_the_index_of_their_list() -> None:
    with CaptureQueriesContext(connection) as queries:
        prune(parse_rules("* any 1d"), NOW, pause=lambda _: None)

    [looked] = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {looked}")
        plan = " ".join(row[3] for row in cursor.fetchall())
    assert "USING INDEX execution_top_level (created_at<?)" in plan
    assert "TEMP B-TREE" not in plan
