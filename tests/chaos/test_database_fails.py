"""A database that restarts, hangs up, is held by others, or has no room left, under load."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import cycle, islice

import psutil
import pytest

from tests.apps.saboteur.apps import BUSY_TIMEOUT_S
from tests.chaos.chaos_site import ChaosSite
from tests.chaos.proxy import Cut
from tests.chaos.small_disk import IMPOSSIBLE

#: Starting a site takes its time on a busy machine.
pytestmark = pytest.mark.timeout(300)

AWAY_S = 4.0
#: Of one processor, while there is nothing to do but to try again.
IDLE_SHARE = 0.35


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def processor_seconds(site: ChaosSite) -> float:
    times = [psutil.Process(pid).cpu_times() for node in site.topology.executors for pid in node.pids()]
    return sum(each.user + each.system for each in times)


@contextmanager
def the_same_executors_after_it(site: ChaosSite) -> Iterator[None]:
    """Check that all processes of the executors lived on, and work."""
    nodes = site.topology.executors
    before = [(node.pids(), site.topology.executor_ids(node)) for node in nodes]
    assert all(ids for _, ids in before)
    yield
    site.wait_for_rest()
    site.check()
    site.submit(2)
    site.wait_for_rest()
    site.check()
    assert [(node.pids(), site.topology.executor_ids(node)) for node in nodes] == before


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_executors_go_on_when_the_server_was_restarted(on_postgresql: ChaosSite, how: signal.Signals) -> None:
    site, server = on_postgresql, on_postgresql.server
    assert server is not None
    with the_same_executors_after_it(site):
        site.submit(4, effects=3)
        for _ in range(3):
            server.stop(how=how)
            server.start()
            pause(1.0)


def test_executors_wait_for_a_server_that_is_away_without_keeping_a_processor_busy(on_postgresql: ChaosSite) -> None:
    site, server = on_postgresql, on_postgresql.server
    assert server is not None
    with the_same_executors_after_it(site):
        site.submit(4, effects=3)
        server.stop(how=signal.SIGQUIT)
        pause(1.0)  # what was being computed comes to its end
        before = processor_seconds(site)
        pause(AWAY_S)
        used = processor_seconds(site) - before
        server.start()

    assert used <= 2 * IDLE_SHARE * AWAY_S


def test_transactions_may_be_cut_off_at_any_time(on_postgresql: ChaosSite) -> None:
    site, server = on_postgresql, on_postgresql.server
    assert server is not None
    with the_same_executors_after_it(site):
        site.submit(4, effects=3)
        for _ in range(8):
            server.cut_connections()
            pause(0.3)


def test_what_became_of_a_commit_may_stay_unknown(on_postgresql: ChaosSite) -> None:
    site, proxy = on_postgresql, on_postgresql.proxy
    assert proxy is not None
    with the_same_executors_after_it(site):
        site.submit(4, effects=3)
        proxy.cut(*islice(cycle(Cut), 8))
        site.while_working(lambda: proxy.cuts_left == 0)


def test_clients_hear_what_is_true_or_nothing(on_postgresql: ChaosSite) -> None:
    site, server = on_postgresql, on_postgresql.server
    assert server is not None
    attempts = []
    for number in range(8):
        if number % 3 == 1:
            server.cut_connections()
        if number % 4 == 3:
            server.stop(how=signal.SIGQUIT)
            server.start()
        attempts.append(site.try_to_submit(2))
    site.wait_for_rest()

    with site.topology.world() as world:
        for ids, is_acknowledged in attempts:
            present = [world.exists(each) for each in ids]
            assert all(present) if is_acknowledged else len(set(present)) == 1
    assert any(is_acknowledged for _, is_acknowledged in attempts)
    site.check()


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_executors_wait_for_a_write_lock_that_is_held_too_long(site: ChaosSite) -> None:
    with the_same_executors_after_it(site):
        site.submit(4, effects=3)
        with closing(sqlite3.connect(site.folder / "data" / "db.sqlite3", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            pause(1.0)
            before = processor_seconds(site)
            pause(3 * BUSY_TIMEOUT_S)
            used = processor_seconds(site) - before
            connection.execute("ROLLBACK")

    assert used <= 2 * IDLE_SHARE * 3 * BUSY_TIMEOUT_S


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_executors_wait_for_room_on_a_full_disk(site: ChaosSite) -> None:
    if site.disk is None:
        pytest.skip(IMPOSSIBLE)
    with the_same_executors_after_it(site):
        site.submit(4, effects=3)
        for _ in range(6):
            site.disk.fill()
            pause(0.5)
        before = processor_seconds(site)
        pause(AWAY_S)
        used = processor_seconds(site) - before
        site.disk.empty()

    assert used <= 2 * IDLE_SHARE * AWAY_S
