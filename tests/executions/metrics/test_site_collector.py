from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest

from engine.log import events as e
from executions import deployed
from executions.journal.journal import SqlJournal
from executions.liveness import beat
from executions.metrics import site_collector
from executions.metrics.site_collector import SiteCollector
from executions.models import Event
from executions.statistics.rolling_up import roll_up
from tests.builders import make_created, make_execution_id, make_locked, make_submit
from tests.engine.journal.commits import commit
from tests.executions.deployments import PING, deploy_runnable
from tests.executions.metrics.reading import samples
from tests.executions.statistics.ended import run_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

GONE = "test:gone/api.run"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_collector, "_KEPT_S", 0.0)


def text_of(collector: SiteCollector) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry).decode()


def test_unfinished_executions_are_told_by_function_and_state(tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    now = timezone.now()
    long_ago, earlier, later = (now + timedelta(hours=hours) for hours in (-2, -1, 1))
    ping = make_created(ffqn=PING, scheduled_at=earlier)
    at_once = make_created(ffqn=PING, scheduled_at=long_ago)
    events: list[tuple[e.ExecutionEvent, ...]] = [
        (ping,),
        (ping,),
        (make_created(ffqn=PING, scheduled_at=later),),
        (at_once, make_locked(until=later)),
        (at_once, make_locked(until=earlier)),
        (ping, e.Paused()),
        (make_created(ffqn=GONE, scheduled_at=earlier),),
    ]
    writes = [make_submit(make_execution_id(number), *each, at=long_ago) for number, each in enumerate(events, 1)]
    commit(SqlJournal.for_current_connection(), *writes, now=long_ago)

    text = text_of(SiteCollector())

    assert samples(text, "obelisk_executions") == {
        (PING, "pending"): 2,
        (PING, "scheduled"): 1,
        (PING, "locked"): 1,
        (PING, "lock_expired"): 1,
        (PING, "paused"): 1,
        ("other", "pending"): 1,
    }
    assert samples(text, "obelisk_stuck_executions") == {
        ("overdue",): 3,
        ("lock_expired",): 1,
        ("diverging",): 0,
        ("cancelling",): 0,
    }
    assert samples(text, "obelisk_oldest_pending_seconds")[()] == pytest.approx(3600, abs=60)


def test_ends_are_counters_and_histograms(tmp_path: Path) -> None:
    deploy_runnable(tmp_path)
    collector = SiteCollector()
    assert samples(text_of(collector), "obelisk_executions_ended_total") == {}
    now = timezone.now()

    run_once(1, ffqn=PING, due_at=now, waited=timedelta(milliseconds=20), took=timedelta(seconds=2))
    run_once(2, ffqn=GONE, due_at=now, took=timedelta(days=1))
    while roll_up(now, until=Event.objects.latest("pk").pk):
        pass

    text = text_of(collector)
    assert samples(text, "obelisk_executions_ended_total")[PING, "ok"] == 1
    assert samples(text, "obelisk_executions_ended_total")["other", "ok"] == 1
    buckets = samples(text, "obelisk_execution_duration_seconds_bucket")
    assert (buckets[PING, "1.0"], buckets[PING, "3.0"], buckets[PING, "+Inf"]) == (0, 1, 1)
    assert (buckets["other", "30000.0"], buckets["other", "+Inf"]) == (0, 1)
    assert samples(text, "obelisk_execution_duration_seconds_sum")[PING,] == 2
    assert samples(text, "obelisk_execution_start_delay_seconds_sum")[PING,] == pytest.approx(0.02)


def test_executors_that_are_alive_are_counted_with_their_slots() -> None:
    now = timezone.now()
    assert sum(samples(text_of(SiteCollector()), "obelisk_executors").values()) == 0
    for number, seen_at in enumerate((now, now, now - timedelta(minutes=5))):
        beat(f"Exr_{number}", now=seen_at, started_at=seen_at, deployment_id=None, slots=16, running=3)

    text = text_of(SiteCollector())

    assert sum(samples(text, "obelisk_executors").values()) == 2
    assert (samples(text, "obelisk_slots"), samples(text, "obelisk_slots_used")) == ({(): 32}, {(): 6})


def test_numbers_are_told_though_what_is_deployed_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBELISK_TESTS_METRICS", "x")
    deploy_runnable(tmp_path, extra='env_vars = ["OBELISK_TESTS_METRICS"]')
    monkeypatch.delenv("OBELISK_TESTS_METRICS")
    monkeypatch.setattr(deployed, "_latest", None)
    commit(SqlJournal.for_current_connection(), make_submit(make_execution_id(), make_created(ffqn=PING)))

    assert samples(text_of(SiteCollector()), "obelisk_executions") == {("other", "pending"): 1}


def test_the_database_is_asked_once_a_second_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_collector, "_KEPT_S", 60.0)
    collector = SiteCollector()
    first = text_of(collector)

    with CaptureQueriesContext(connection) as captured:
        assert text_of(collector) == first

    assert len(captured) == 0
