from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.dashboard.badge import STUCK_COUNT
from executions.access.groups import make_groups
from executions.models import Execution
from executions.operations.answering import answer
from executions.operations.inbox import open_tasks
from executions.operations.submitting import submit
from tests.builders import after
from tests.console.tasks.open_tasks import deploy_stub, open_task, person
from tests.executions.deployments import ADD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def groups() -> None:
    make_groups()
    cache.clear()


def inbox(browser: Client, whose: str = "all", **query: str) -> str:
    return browser.get("/admin/tasks/", {"whose": whose, **query}).text


def badges(page: str) -> dict[str, str]:
    """Numbers beside the menu's entries, by their names."""
    found = {}
    for entry in re.split(r"<li", page):
        if badge := re.search(r'ob-menu-badge">([^<]+)<', entry):
            found[next(name for name in ("Executions", "Human tasks") if name in entry)] = badge[1]
    return found


def test_an_open_stub_is_shown_with_its_title_what_it_asks_and_who_asks(tmp_path: Path, operator: Client) -> None:
    deploy_stub(tmp_path, title="Refund this?", group="finance")
    task = open_task()

    page = inbox(operator)

    assert f'<a href="/admin/tasks/{task}/">Refund this?</a>' in page
    assert "amount 881, note &quot;late&quot;" in page
    assert "flows.refund" in page
    assert "finance" in page


def test_a_stub_without_words_is_called_by_its_name_and_nobodys(tmp_path: Path, operator: Client) -> None:
    deploy_stub(tmp_path)
    open_task()

    page = inbox(operator)

    assert ">Approve refund</a>" in page
    assert "nobody yet" in page


def test_external_activities_are_tasks_once_they_are_due(tmp_path: Path, operator: Client) -> None:
    deploy_stub(tmp_path)
    now = submit(ADD, [1, []]).execution_id
    later = submit("test:adder-obelisk-schedule/api.add-schedule", [{"in": {"days": 1}}, 1, []]).execution_id

    page = inbox(operator)

    assert now in page
    assert later not in page


def test_what_was_answered_is_gone(tmp_path: Path, operator: Client) -> None:
    deploy_stub(tmp_path)
    task = open_task()
    answer(task, {"err": "no"})

    assert "No task waits for anybody." in inbox(operator)


def test_tasks_are_mine_my_groups_or_all(tmp_path: Path) -> None:
    deploy_stub(tmp_path, group="finance")
    first, second = open_task(1), open_task(2)
    ann, bob = person("ann", "viewer", "finance"), person("bob", "viewer")
    ann.post(f"/admin/tasks/{first}/", {"do": "take", "seen": "group:finance"})

    shown = {
        (name, whose): [task for task in (first, second) if task in inbox(browser, whose)]
        for name, browser in (("ann", ann), ("bob", bob))
        for whose in ("mine", "groups", "all")
    }

    assert shown == {
        ("ann", "mine"): [first],
        ("ann", "groups"): [second],
        ("ann", "all"): [first, second],
        ("bob", "mine"): [],
        ("bob", "groups"): [],
        ("bob", "all"): [first, second],
    }


def test_the_menu_counts_what_is_mine_and_my_groups(tmp_path: Path) -> None:
    deploy_stub(tmp_path, group="finance")
    open_task(1)
    open_task(2)

    assert badges(inbox(person("ann", "viewer", "finance")))["Human tasks"] == "2"
    assert "Human tasks" not in badges(inbox(person("bob", "viewer")))


def test_tasks_come_a_page_at_a_time_oldest_first(tmp_path: Path, operator: Client) -> None:
    deploy_stub(tmp_path)
    tasks = [open_task(number) for number in range(1, 53)]

    first, second = inbox(operator), inbox(operator, after=tasks[49])

    assert [task for task in tasks if task in first] == tasks[:50]
    assert [task for task in tasks if f"/tasks/{task}/" in second] == tasks[50:]
    assert f"after={tasks[49].replace(':', '%3A')}" in first


def test_a_cursor_that_leads_nowhere_shows_the_first_page(tmp_path: Path, operator: Client) -> None:
    deploy_stub(tmp_path)
    task = open_task()

    assert task in inbox(operator, after="nonsense")


def test_a_page_takes_as_many_queries_for_one_task_as_for_many(
    tmp_path: Path, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STUCK_COUNT, "get", lambda _: 0)  # asked for anew after a second, which a page may take
    deploy_stub(tmp_path, group="finance")
    open_task(1)
    inbox(operator)  # what is kept from now on

    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as caught:
            inbox(operator)
        return len(caught)

    one = queries()
    for number in range(2, 12):
        open_task(number)

    assert queries() == one


def test_open_stubs_are_found_by_their_index() -> None:
    query = Execution.objects.open_stubs().filter(due_at__lte=after(1)).oldest_first()[:50]

    assert "execution_open_stub" in query.explain()


def test_hostile_text_is_shown_and_inert(tmp_path: Path, operator: Client) -> None:
    deploy_stub(tmp_path, title="<script>alert(1)</script>\u202e", group="<b>")
    open_task(params='[1,"<img src=x onerror=y>\u202e"]')

    page = inbox(operator)

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e" in page


def test_all_tasks_are_counted_for_the_present(tmp_path: Path) -> None:
    deploy_stub(tmp_path)
    open_task()

    assert [open_tasks(after(seconds)).count() for seconds in (-1, 0)] == [0, 1]
