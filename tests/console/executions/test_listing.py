from __future__ import annotations

import re
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions.journal.journal import SqlJournal
from tests.builders import NOW, make_created, make_execution_id, make_finished, make_submit
from tests.engine.journal.commits import commit


def ids_on(page: str) -> list[str]:
    return re.findall(r'data-key="(E_[^"]+)"', page)


def fill(count: int) -> list[str]:
    journal = SqlJournal.for_current_connection()
    made = [make_execution_id(number) for number in range(1, count + 1)]
    for number, each in enumerate(made):
        commit(journal, make_submit(each, make_created(), at=NOW + timedelta(seconds=number)))
    return [str(each) for each in reversed(made)]


def follow(operator: Client, page: str, rel: str) -> str:
    (link,) = re.findall(rf'rel="{rel}" href="([^"]+)"', page)
    return operator.get("/admin/executions/" + link.replace("&amp;", "&")).text


def test_pages_neither_repeat_nor_skip_in_either_direction(operator: Client) -> None:
    newest_first = fill(120)

    first = operator.get("/admin/executions/").text
    second = follow(operator, first, "next")
    third = follow(operator, second, "next")

    assert [ids_on(page) for page in (first, second, third)] == [
        newest_first[:50],
        newest_first[50:100],
        newest_first[100:],
    ]
    assert ids_on(follow(operator, third, "prev")) == newest_first[50:100]
    assert 'rel="prev"' not in first
    assert 'rel="next"' not in third


def test_filters_of_the_address_are_those_of_the_page(operator: Client) -> None:
    journal = SqlJournal.for_current_connection()
    open_one, ended = make_execution_id(1), make_execution_id(2)
    commit(journal, make_submit(open_one, make_created()))
    commit(journal, make_submit(ended, make_created(), make_finished()))

    page = operator.get("/admin/executions/?status=unfinished").text

    assert ids_on(page) == [str(open_one)]
    assert re.search(r'value="unfinished"[^>]*checked', page)
    assert "1 matches" in page


def test_a_wrong_filter_keeps_its_field_and_says_what_is_wrong(operator: Client) -> None:
    fill(1)

    page = operator.get("/admin/executions/?label=nonsense&cursor=E_1").text

    assert "nonsense is not name:value" in page
    assert "is not an execution id" in page or "cursor:" in page
    assert 'value="nonsense"' in page


def test_nothing_to_show_says_what_to_do(operator: Client) -> None:
    assert "Nothing matches" in operator.get("/admin/executions/").text


def test_names_of_functions_and_labels_are_text(operator: Client) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(make_execution_id(1), make_created()))

    page = operator.get("/admin/executions/", {"label": "a:<script>", "function": '"><script>'}).text

    assert "<script>" not in re.sub(r'<script (type="module" )?src="[^"]+"( defer)?>', "", page)


def test_no_page_in_either_direction_reads_more_than_its_own_rows(operator: Client) -> None:
    fill(120)
    first = operator.get("/admin/executions/").text

    with CaptureQueriesContext(connection) as captured:
        second = follow(operator, first, "next")
        follow(operator, second, "prev")
        follow(operator, second, "next")

    pages = [query["sql"] for query in captured.captured_queries if "executions_execution" in query["sql"]]
    assert len([sql for sql in pages if "ORDER BY" in sql and "LIMIT 51" in sql]) == 3
    with connection.cursor() as cursor:
        for sql in pages:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = [str(row[3]) for row in cursor.fetchall()]
            assert not [step for step in plan if "TEMP B-TREE" in step], (plan, sql)
            # Along an index, up to a limit.
            assert not [step for step in plan if re.match("SCAN executions_", step) and "INDEX" not in step], (
                plan,
                sql,
            )
            assert "LIMIT" in sql or any("SEARCH" in step for step in plan), (plan, sql)
            assert "OFFSET" not in sql
