"""Everything that can go wrong with a site, to be chosen from at random."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.apps.saboteur.apps import BUSY_TIMEOUT_S
from tests.apps.saboteur.points import RUNNING, Point
from tests.chaos.chaos_site import ChaosSite
from tests.chaos.crowded_server import CrowdedServer, Disk
from tests.chaos.proxy import Cut
from tests.chaos.recovery import Death
from tests.chaos.work import LOCK_EXPIRY
from tests.harness.eventually import eventually
from tests.harness.postgresql import PrivateServer


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong while work is under way, and is over when `inflict` returns.

    Args:
        name: What people call it.
        inflict: Has it happen; returns who died of it.
    """

    name: str
    inflict: Callable[[ChaosSite, random.Random], Death | None]


def faults_of(site: ChaosSite) -> list[Fault]:
    """Return what can go wrong with a site, in an order that depends on its database alone."""
    return [
        *(_kill_at(point) for point in RUNNING),
        Fault("a worker is killed", _kill_worker),
        Fault("a host dies and comes back", _kill_host),
        Fault("a host stands still for twice the lock's expiry", _freeze),
        *(_of_postgresql(site.server) if site.server is not None else _of_sqlite(site)),
    ]


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def _kill_at(point: Point) -> Fault:
    def inflict(site: ChaosSite, chance: random.Random) -> Death | None:
        site.arm(point, after=chance.randrange(5))
        return site.wait_for_death(point)

    return Fault(f"killed {point}", inflict)


def _kill_worker(site: ChaosSite, chance: random.Random) -> Death:
    heartbeats = site.topology.heartbeats()
    node = chance.choice(site.topology.executors)
    executor_id = eventually(lambda: next(iter(site.topology.executor_ids(node)), None))
    os.kill((heartbeats | site.topology.heartbeats())[executor_id], signal.SIGKILL)
    return Death(executor_id, datetime.now(UTC))


def _kill_host(site: ChaosSite, chance: random.Random) -> Death:
    node = chance.choice(site.topology.executors)
    executor_id = eventually(lambda: next(iter(site.topology.executor_ids(node)), None))
    node.kill()
    death = Death(executor_id, datetime.now(UTC))
    site.topology.start_executor(node)
    return death


def _freeze(site: ChaosSite, chance: random.Random) -> None:
    node = chance.choice(site.topology.executors)
    node.freeze()
    _pause(2 * LOCK_EXPIRY.total_seconds())
    node.thaw()


def _of_postgresql(server: PrivateServer) -> Iterator[Fault]:
    def restart(how: signal.Signals) -> Callable[[ChaosSite, random.Random], None]:
        def inflict(_site: ChaosSite, chance: random.Random) -> None:
            server.stop(how=how)
            _pause(chance.choice((0.0, 0.0, 3.0)))
            server.start()

        return inflict

    def hang_up(_site: ChaosSite, chance: random.Random) -> None:
        for _ in range(chance.randint(1, 5)):
            server.cut_connections()
            _pause(0.3)

    yield Fault("the server restarts", restart(signal.SIGINT))
    yield Fault("the server is killed and restarts", restart(signal.SIGQUIT))
    yield Fault("all connections are cut", hang_up)
    yield Fault("commits whose outcome stays unknown", _cut_commits)
    if isinstance(server, CrowdedServer) and server.is_crowded:
        yield Fault("the disk of the tables is full", _fill(server, Disk.TABLES))
        yield Fault("the disk of the write-ahead log is full", _fill(server, Disk.LOG))


def _fill(server: CrowdedServer, disk: Disk) -> Callable[[ChaosSite, random.Random], None]:
    def inflict(site: ChaosSite, chance: random.Random) -> None:
        with site.being_submitted_to():
            server.hold_full(disk, seconds=chance.uniform(0.0, 3.0))
            server.make_room(disk)

    return inflict


def _cut_commits(site: ChaosSite, chance: random.Random) -> None:
    assert site.proxy is not None
    proxy = site.proxy
    proxy.cut(*chance.choices(list(Cut), k=3))
    site.while_working(lambda: proxy.cuts_left == 0)


def _of_sqlite(site: ChaosSite) -> Iterator[Fault]:
    yield Fault("another process holds the write lock too long", _hold_write_lock)
    if site.disk is not None:
        yield Fault("the disk is full", _fill_disk)


def _hold_write_lock(site: ChaosSite, chance: random.Random) -> None:
    with closing(sqlite3.connect(site.folder / "data" / "db.sqlite3", isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        _pause(BUSY_TIMEOUT_S * chance.uniform(1.5, 4))
        connection.execute("ROLLBACK")


def _fill_disk(site: ChaosSite, chance: random.Random) -> None:
    assert site.disk is not None
    for _ in range(chance.randint(1, 6)):
        site.disk.fill()
        _pause(0.5)
    site.disk.empty()


CLOCKS = (timedelta(hours=2), timedelta(minutes=-5))
"""How wrong the second executor's clock is now and then, from the beginning of a round to its end."""
