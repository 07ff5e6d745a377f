"""What an execution's page offers before all else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from engine.deployment.spec import ComponentType
from engine.log import events as e
from engine.log.ids import ExecutionId
from engine.log.return_values import Returned
from executions.journal.journal import SqlJournal
from executions.operations.pausing import pause
from tests.builders import (
    JOIN_SET,
    NOW,
    make_append,
    make_child,
    make_child_request,
    make_child_response,
    make_component_id,
    make_created,
    make_execution,
    make_execution_id,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

E1 = make_execution_id(1)
CHILD = ExecutionId(f"{E1}.n:work_1")
_STUB = make_component_id("stub", component_type=ComponentType.ACTIVITY_STUB)


@pytest.fixture
def journal(db: None) -> SqlJournal:
    return SqlJournal.for_current_connection()


def block(journal: SqlJournal, *, on_task: bool) -> None:
    """Have a workflow wait for its child."""
    commit(journal, make_submit(E1, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
    child = make_child(E1, 1)
    if on_task:
        child = make_execution(CHILD, make_created(component_id=_STUB, parent=(E1, JOIN_SET)))
    commit(
        journal, make_append(E1, make_child_request(E1, 1), make_join_next(), expected=3, awaits=True, created=[child])
    )


def head(browser: Client, execution_id: ExecutionId = E1) -> str:
    return str(browser.get(f"/admin/executions/{execution_id}/").text)


def offered(html: str) -> tuple[list[str], str]:
    """Return the titles of the buttons, in order, and the menu."""
    actions = html.partition('id="actions"')[2].partition("</nav>")[0]
    buttons, _, menu = actions.partition("<details")
    return re.findall(r"</span>([^<]+)</a>", buttons), menu


def test_reason_comes_before_operations_and_those_before_facts(operator: Client, journal: SqlJournal) -> None:
    block(journal, on_task=True)

    html = head(operator)

    order = ['id="execution-id"', "ob-badge", "Why is it not moving?", 'id="actions"', 'id="facts"', "Parameters"]
    places = [html.index(each) for each in order]
    assert places == sorted(places)
    assert f'<a href="/admin/executions/{CHILD}/">{CHILD}</a>' in html, "ids in the reason lead there"


def test_a_task_deep_below_is_answered_from_the_page(operator: Client, journal: SqlJournal) -> None:
    block(journal, on_task=True)

    buttons, menu = offered(head(operator))

    assert buttons == ["Answer the task", "Pause", "Cancel"]
    assert f'href="/admin/tasks/{CHILD}/"' in head(operator)
    assert "Submit again" in menu
    assert offered(head(operator, CHILD))[0][0] == "Answer the task"


def test_who_waits_for_a_child_is_led_there(operator: Client, journal: SqlJournal) -> None:
    block(journal, on_task=False)

    assert offered(head(operator))[0] == ["Go to what it waits for", "Pause", "Cancel"]


def test_a_paused_one_is_to_be_unpaused(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created()))
    pause(E1, journal=journal)

    buttons, menu = offered(head(operator))

    assert buttons == ["Unpause", "Advance", "Cancel"]
    assert "<small>It is paused already.</small>" in menu, "in words, and not on hover alone"


def test_of_a_failure_the_cause_comes_first(operator: Client, journal: SqlJournal) -> None:
    failed = e.Finished(retval=Returned(ok=False, payload=None))
    block(journal, on_task=False)
    response = make_child_response(E1, 1, version=1, retval=failed.retval)
    commit(journal, make_append(CHILD, failed, expected=1, responses=[response]))
    commit(journal, make_append(E1, failed, expected=5))

    assert offered(head(operator))[0] == ["Go to the cause", "Retry", "Submit again"]
    assert f'class="ob-button ob-primary" href="/admin/executions/{CHILD}/"' in head(operator)


def test_what_runs_is_not_asked_why_it_does_not_move(operator: Client, journal: SqlJournal) -> None:
    commit(journal, make_submit(E1, make_created(), make_locked(until=NOW + timedelta(days=99_999))))

    html = head(operator)

    assert "It is running on" in html
    assert "Why is it not moving?" not in html


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("viewer", ["Open the task"]),
        ("operator", ["Answer the task", "Pause", "Cancel"]),
        ("deployer", ["Open the task"]),
    ],
)
def test_only_what_somebody_may_do_is_offered(
    client_of: Callable[[str], Client], journal: SqlJournal, role: str, expected: list[str]
) -> None:
    block(journal, on_task=True)

    assert offered(head(client_of(role)))[0] == expected
