"""50 open live pages beside a busy executor: what they cost it, and how soon they know.

Real processes: the web server, the pages (`bench.viewers`), and this one with the executor. Rounds with and without
open pages take turns, so that what else the machine does meets both.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from bench.measures import SERIAL, percentile
from bench.site import ROOT, TIMEOUT_S, Bench, set_up_site

STEPS = 3000
ROUNDS = 5


class Office:
    """The open pages, in a process of their own.

    Args:
        process: It.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, command: str) -> dict[str, Any]:
        """Have a command carried out and return what it says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the process with the open pages ended")
        said: dict[str, Any] = json.loads(answer)
        return said


def main() -> None:
    """Measure once and print the figures as JSON."""
    set_up_site()
    alone: list[float] = []
    watched: list[float] = []
    delays_s: list[float] = []
    frames = 0
    cookie = _login()
    with Bench() as bench, _web() as port:
        for _ in range(ROUNDS):
            alone.append(_run(bench, None)[0])
            with _office(port, cookie) as office:
                rate, execution_id = _run(bench, office)
                watched.append(rate)
                report = office.ask("report")
            frames += report["frames"]
            delays_s += _delays_s(execution_id, report["seen_at"])
    print(
        json.dumps(
            {
                "alone_steps_per_s": statistics.median(alone),
                "watched_steps_per_s": statistics.median(watched),
                "watched_part": statistics.median(w / a for w, a in zip(watched, alone, strict=True)),
                "delay_p50_ms": percentile(delays_s, 50) * 1000,
                "delay_p95_ms": percentile(delays_s, 95) * 1000,
                "frames": frames / ROUNDS,
            }
        )
    )


@contextmanager
def _web() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "--access-log", os.devnull]
    web = subprocess.Popen([*command, "obelisk_site.asgi:application"], cwd=ROOT)
    try:
        _wait_for(port)
        yield port
    finally:
        web.terminate()
        web.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def _office(port: int, cookie: str) -> Iterator[Office]:
    command = [sys.executable, "-m", "bench.viewers", str(port), cookie]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Office(process)
    finally:
        process.terminate()
        process.wait()


def _login() -> str:
    """Make somebody who may see everything, logged in; return the cookie."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("viewer"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _run(bench: Bench, office: Office | None) -> tuple[float, str]:
    """Run a workflow, watched or not; return its steps a second, by its own log, and its id."""
    from executions.operations.pausing import unpause
    from executions.operations.submitting import submit

    journal = bench.executor.journal
    # Paused until all pages show it.
    execution_id = submit(SERIAL, [10, STEPS], paused=True, journal=journal).execution_id
    if office is not None:
        office.ask(f"watch {execution_id}")
    unpause(execution_id, journal=journal)
    bench.wait(execution_id)
    times = _times(execution_id)
    unpaused, ended = times[2], times[max(times)]
    return STEPS / (ended - unpaused).total_seconds(), execution_id


def _delays_s(execution_id: str, seen_at: list[tuple[int, float]]) -> list[float]:
    """Return how long after its commit each page knew of each version."""
    times = _times(execution_id)
    # The first three were there before anybody looked.
    return [seen - times[version].timestamp() for version, seen in seen_at if version > 2]


def _times(execution_id: str) -> dict[int, datetime]:
    from executions.models import Event

    return dict(Event.objects.filter(execution_id=execution_id).values_list("version", "created_at"))


if __name__ == "__main__":
    main()
