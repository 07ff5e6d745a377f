"""50 open live pages beside a busy executor: what they cost it and the web server, and how soon they know.

Real processes: the web server, the pages (`bench.viewers`), and this one with the executor. Rounds with and without
open pages take turns, so that what else the machine does meets both; and so do rounds in which all share the machine's
processors and rounds in which the executor has one for itself.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psutil

from bench.measures import SERIAL, percentile
from bench.site import ROOT, Bench, set_up_site
from bench.web import login, web_server

if TYPE_CHECKING:
    from engine.log.ids import ExecutionId

STEPS = 5000
ROUNDS = 4


@dataclass
class Rounds:
    """What rounds of one kind gave.

    Args:
        alone: Steps a second without pages, one figure a round.
        watched: The same with pages.
        delays_s: From an event's commit to each page that knew of it.
        web_s: Processor time of the web server while pages were open.
        viewers_s: The same of the pages.
        elapsed_s: How long the watched workflows took.
        events: How many events they had.
        frames: How many frames the pages got.
        timelines: How many of these brought a timeline.
    """

    alone: list[float] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    web_s: float = 0.0
    viewers_s: float = 0.0
    elapsed_s: float = 0.0
    events: int = 0
    frames: int = 0
    timelines: int = 0

    def figures(self) -> dict[str, float]:
        """Return what they say together."""
        return {
            "alone_steps_per_s": statistics.median(self.alone),
            "watched_steps_per_s": statistics.median(self.watched),
            "watched_part": statistics.median(w / a for w, a in zip(self.watched, self.alone, strict=True)),
            "delay_p50_ms": percentile(self.delays_s, 50) * 1000,
            "delay_p95_ms": percentile(self.delays_s, 95) * 1000,
            "web_ms_per_10000_events": self.web_s * 1000 * 10_000 / self.events,
            "viewers_ms_per_10000_events": self.viewers_s * 1000 * 10_000 / self.events,
            "web_cores": self.web_s / self.elapsed_s,
            "frames": self.frames / len(self.watched),
            "timelines": self.timelines / len(self.watched),
        }


class Office:
    """The open pages, in a process of their own.

    Args:
        process: It.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

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
    this = psutil.Process()
    every = this.cpu_affinity() or []
    if len(every) < 2:
        raise SystemExit("This takes a machine with two processors at least.")
    shared, apart = Rounds(), Rounds()
    cookie = login()
    with Bench() as bench, web_server() as (port, web):
        for _ in range(ROUNDS):
            for rounds, own, theirs in ((shared, every, every), (apart, every[:1], every[1:])):
                _place(this, own)
                _place(web, theirs)
                rounds.alone.append(_steps_per_s(_run(bench, _paused(bench))))
                with _office(port, cookie) as office:
                    _place(psutil.Process(office.pid), theirs)
                    _watched_round(bench, office, web, rounds)
    print(json.dumps({**shared.figures(), **{f"apart_{key}": value for key, value in apart.figures().items()}}))


def _watched_round(bench: Bench, office: Office, web: psutil.Process, rounds: Rounds) -> None:
    execution_id = _paused(bench)
    office.ask(f"watch {execution_id}")
    web_s, begun = _cpu_s(web), time.monotonic()
    times = _run(bench, execution_id)
    report = office.ask(f"report {len(times)}")
    rounds.elapsed_s += time.monotonic() - begun
    rounds.web_s += _cpu_s(web) - web_s
    rounds.viewers_s += report["cpu_s"]
    rounds.watched.append(_steps_per_s(times))
    rounds.events += len(times)
    rounds.frames += report["frames"]
    rounds.timelines += report["timelines"]
    # The first three events were there before anybody looked.
    rounds.delays_s += [
        seen - times[version].timestamp()
        for known, known_then, seen in report["seen_at"]
        for version in range(max(3, known), known_then)
    ]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _place(process: psutil.Process, cpus: list[int]) -> None:
    """Let a process, with all threads that it has, run on some processors only."""
    for thread in process.threads():
        os.sched_setaffinity(thread.id, cpus)


@contextmanager
def _office(port: int, cookie: str) -> Iterator[Office]:
    command = [sys.executable, "-m", "bench.viewers", str(port), cookie]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Office(process)
    finally:
        process.terminate()
        process.wait()


def _paused(bench: Bench) -> ExecutionId:
    """Submit the workflow, paused until all pages show it."""
    from executions.operations.submitting import submit

    return submit(SERIAL, [10, STEPS], paused=True, journal=bench.executor.journal).execution_id


def _run(bench: Bench, execution_id: ExecutionId) -> dict[int, datetime]:
    """Run the workflow and return when each of its events was written, by version."""
    from executions.models import Event
    from executions.operations.pausing import unpause

    unpause(execution_id, journal=bench.executor.journal)
    bench.wait(execution_id)
    return dict(Event.objects.filter(execution_id=execution_id).values_list("version", "created_at"))


def _steps_per_s(times: dict[int, datetime]) -> float:
    unpaused, ended = times[2], times[max(times)]
    return STEPS / (ended - unpaused).total_seconds()


if __name__ == "__main__":
    main()
