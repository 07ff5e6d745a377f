from __future__ import annotations

import pytest
from django.db import connection

from console.timeline import tree_reading

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (tree_reading._ROOT, ("a",)),
        (tree_reading._NODES, ("a", "b", 9)),
        (tree_reading._DELAYS, ("a", "b", 9)),
        (tree_reading._DELAYS_OVER, ("a", "b", 9)),
        (tree_reading._REQUESTS, ("a", "a", "b", 9)),
        (tree_reading._SIZE, ("a", "a", "b")),
    ],
)
def test_no_statement_scans_a_table(sql: str, parameters: tuple[str | int, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        plan = [row[-1] for row in cursor.fetchall()]

    assert any("SEARCH" in step for step in plan)
    assert not any(step.startswith("SCAN") for step in plan), plan
