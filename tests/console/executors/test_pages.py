from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from console.executors.shown import shown_executors
from console.executors.versions import version_mark
from console.live.executors_topic import ExecutorsTopic
from console.live.messages import Sub
from engine.log.ids import ExecutorId
from engine.log.state import Holder
from executions.journal.journal import SqlJournal
from executions.liveness import CONSIDERED_DEAD_AFTER, beat, say_goodbye
from executions.models import ExecutorHeartbeat
from executions.process_load import Load
from tests.builders import NOW, make_created, make_execution_id, make_holder, make_locked, make_submit
from tests.engine.journal.commits import commit

pytestmark = pytest.mark.django_db

HERE = make_holder(1).executor_id
E1 = make_execution_id(1)


def seen(executor_id: str, ago: timedelta = timedelta()) -> None:
    now = timezone.now()
    load = Load(cpu_percent=61, rss_bytes=410_000_000, threads=9)
    beat(executor_id, now=now - ago, started_at=NOW, deployment_id=None, slots=16, running=1, load=load)


def hold(number: int = 1, holder: Holder | None = None) -> None:
    """Have an execution held by an executor, until a minute from now."""
    until = timezone.now() + timedelta(minutes=1)
    lock = make_locked(holder or make_holder(1), until=until)
    commit(SqlJournal.for_current_connection(), make_submit(make_execution_id(number), make_created(), lock))


def test_without_executors_the_page_says_how_to_start_one(operator: Client) -> None:
    assert "No executor has given a sign of life" in operator.get("/admin/executors/").text


def test_an_executor_is_shown_with_what_it_takes_and_holds(operator: Client) -> None:
    seen(HERE)
    hold()

    text = operator.get("/admin/executors/").text

    for told in (HERE, "61 %", "410.0 MB", "1 of 16", "Holds 1 lock<", E1):
        assert told in text
    assert "ob-silent" not in text
    assert "not this console" not in text


def test_a_silent_one_says_when_others_take_over(operator: Client) -> None:
    seen(HERE, CONSIDERED_DEAD_AFTER * 4)
    hold()

    text = operator.get("/admin/executors/").text

    assert "silent since" in text
    assert "Others take over what it holds when its locks expire" in text
    assert "1 silent" in text


def test_locks_of_one_that_nobody_knows_any_more_are_shown() -> None:
    hold()

    (shown,) = shown_executors(timezone.now())

    assert (shown.executor_id, shown.beat, shown.is_silent, len(shown.locks)) == (HERE, None, True, 1)
    assert shown.oldest == NOW


def test_another_version_is_marked(operator: Client) -> None:
    seen(HERE)
    ExecutorHeartbeat.objects.update(version="0.0.9 abc<b>")

    text = operator.get("/admin/executors/").text

    assert "▲ older" in text
    assert "abc&lt;b&gt;" in text


@pytest.mark.parametrize(
    ("version", "mark"),
    [
        ("0.10.0 aaaaaaa", ""),
        ("0.9.12 bbbbbbb", "older"),
        ("0.10.1 bbbbbbb", "newer"),
        ("0.10.0 bbbbbbb", "not this console's"),
        ("0.11.0rc1 bbbbbbb", "not this console's"),
        ("", "not this console's"),
    ],
)
def test_the_number_of_a_version_tells_which_is_older(version: str, mark: str) -> None:
    assert version_mark(version, "0.10.0 aaaaaaa") == mark


def test_a_silent_one_that_holds_nothing_can_be_forgotten(client_of: Callable[[str], Client]) -> None:
    browser = client_of("superuser")
    for executor_id, ago in (("Exr_a", CONSIDERED_DEAD_AFTER * 2), ("Exr_b", timedelta())):
        seen(executor_id, ago)
    seen(HERE, CONSIDERED_DEAD_AFTER * 2)
    hold()

    shown = browser.get("/admin/executors/")
    for executor_id in ("Exr_a", "Exr_b", HERE, "Exr_nobody"):
        answer = browser.post("/admin/executors/forget/", {"executor": executor_id}, follow=True)
        assert ("should it live" in answer.text) == (executor_id == "Exr_a")

    assert [each.executor_id for each in shown.context["forgettable"]] == ["Exr_a"]
    assert set(ExecutorHeartbeat.objects.values_list("pk", flat=True)) == {"Exr_b", HERE}
    (entry,) = LogEntry.objects.all()
    assert (entry.user.get_username(), entry.object_id, entry.is_deletion()) == ("superuser", "Exr_a", True)


def test_only_superusers_are_offered_that(client_of: Callable[[str], Client]) -> None:
    seen("Exr_a", CONSIDERED_DEAD_AFTER * 2)

    assert "Forget" in client_of("superuser").get("/admin/executors/").text
    assert "Forget" not in client_of("operator").get("/admin/executors/").text


def test_the_number_of_queries_does_not_grow_with_executors(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(1, 6):
        holder = Holder(ExecutorId(f"Exr_0000000000000000000000000{number}"), make_holder(1).run_id)
        seen(holder.executor_id)
        hold(number, holder)

    with django_assert_max_num_queries(4):
        assert len(shown_executors(timezone.now())) == 5


def test_rows_change_in_place_and_those_that_stop_are_told_of() -> None:
    seen("Exr_a")
    topic = ExecutorsTopic(Sub(topic="executors", keys=["Exr_a"]))
    first = topic.read({}, hidden=False)
    assert first is not None
    assert topic.read(first.cursor, hidden=False) is None
    say_goodbye("Exr_a")
    seen("Exr_b")

    update = topic.read(first.cursor, hidden=False)

    assert update is not None
    assert {row.key: "stopped" in row.html for row in update.rows} == {"Exr_a": True, "Exr_b": False}
    assert topic.read(update.cursor, hidden=False) is None


def test_the_menu_counts_the_silent(client_of: Callable[[str], Client]) -> None:
    cache.clear()
    seen("Exr_a")
    seen("Exr_b", CONSIDERED_DEAD_AFTER * 2)

    text = client_of("viewer").get("/admin/executors/").text

    assert 'ob-menu-badge">1<' in "".join(text.split("\n"))
    cache.clear()
