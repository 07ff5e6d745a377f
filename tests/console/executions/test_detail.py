from __future__ import annotations

import re

import pytest
from django.test import Client

from engine.log import events as e
from engine.log.return_values import Failed, FailureKind
from engine.log.tracing import trace_id_of
from executions.journal.journal import SqlJournal
from executions.operations.pausing import pause
from executions.operations.recording import Operation, RecordingJournal
from tests.builders import (
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_execution_id,
    make_holder,
    make_http_exchange,
    make_locked,
    make_log_line,
    make_submit,
)
from tests.engine.journal.commits import commit

E1 = make_execution_id(1)


@pytest.fixture
def journal(db: None) -> SqlJournal:
    return SqlJournal.for_current_connection()


def test_an_open_execution_says_first_why_it_does_not_move(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))
    pause(E1, journal=RecordingJournal(E1, Operation.PAUSE, actor="user:ann", reason="<b>wait</b>"))

    page = operator.get(f"/admin/executions/{E1}/").text

    assert "It is paused by user:ann since" in page
    assert "&lt;b&gt;wait&lt;/b&gt;" in page
    assert "<b>wait" not in page


def test_its_facts_tell_the_trace_that_it_belongs_to(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))

    facts = re.sub("<[^>]*>", "", operator.get(f"/admin/executions/{E1}/").text)
    assert f"Trace{trace_id_of(E1, ())}" in facts, "all of it, to be copied"


def test_a_failed_one_says_first_how_it_failed(operator: Client, journal: SqlJournal) -> None:
    failed = e.Finished(retval=Failed(kind=FailureKind.TIMED_OUT, reason="took <too> long", detail="trace"))
    commit(journal, make_submit(E1, make_created(), failed))

    page = operator.get(f"/admin/executions/{E1}/").text

    assert "timed out" in page
    assert "took &lt;too&gt; long" in page
    assert page.index("timed out") < page.index("Parameters")


def test_small_values_take_one_line_and_larger_ones_are_trees(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(params='["a"]')))
    other = make_execution_id(2)
    commit(journal, make_submit(other, make_created(params=f'["{"a" * 200}"]')))

    assert 'class="ob-value ob-flat"' in operator.get(f"/admin/executions/{E1}/").text
    assert 'class="ob-value ob-flat"' not in operator.get(f"/admin/executions/{other}/").text


def test_children_logs_requests_and_responses_have_their_tabs(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))
    journal.add_log_lines([make_log_line(E1, message="<i>careful</i>")])
    journal.add_http_exchanges([make_http_exchange(E1, url="http://b.test/<y>", status=None, error="denied")])

    logs, http, children, responses = (
        operator.get(f"/admin/executions/{E1}/{tab}/").text for tab in ("logs", "http", "children", "responses")
    )

    assert "&lt;i&gt;careful&lt;/i&gt;" in logs
    assert "http://b.test/&lt;y&gt;" in http
    assert "denied" in http
    assert "It has submitted no executions." in children
    assert "Nothing came back" in responses


@pytest.mark.parametrize("query", ["cursor=nonsense", "cursor=E_1", "cursor=%00"])
def test_a_page_of_children_that_is_none(operator: Client, journal: SqlJournal, query: str) -> None:
    commit(journal, make_submit(E1, make_created()))

    assert operator.get(f"/admin/executions/{E1}/children/?{query}").status_code == 400


def test_an_execution_that_is_not_there(operator: Client) -> None:
    assert operator.get(f"/admin/executions/{make_execution_id(9)}/").status_code == 404
    assert operator.get("/admin/executions/E_nonsense/").status_code == 404


def test_a_childs_page_leads_up_to_its_parents(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked()))
    request = make_child_request(E1)
    step = make_append(
        E1,
        e.JoinSetCreated(join_set_id=request.join_set_id),
        request,
        expected=2,
        holder=make_holder(),
        created=(make_child(E1),),
    )
    commit(journal, step)

    child = request.child_execution_id
    page = operator.get(f"/admin/executions/{child}/").text

    assert f'href="/admin/executions/{E1}/"' in page
    assert child in operator.get(f"/admin/executions/{E1}/children/").text
