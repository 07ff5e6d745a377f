"""Rounds of work with faults chosen by a seed, and what they came to; the door is ``python -m tests.chaos``."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.acceptance.sites import unused_port
from tests.chaos.chaos_site import ChaosSite
from tests.chaos.crowded_server import CrowdedServer
from tests.chaos.faults import CLOCKS, faults_of
from tests.chaos.work import LOCK_EXPIRY
from tests.harness.databases import DATABASES

_JOBS = 6
_MOST_FAULTS = 3
_CLOCK_CHANCE = 0.1
_EXAMINED = ("states", "locks", "responses", "delays", "stranded", "cancellations", "orphans", "children")
"""What the doctor looks at when a run is over: all about executions."""


@dataclass
class Tally:
    """What a run came to."""

    rounds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    recoveries: list[timedelta] = field(default_factory=list)
    """After deaths with another executor beside them and nothing else wrong."""


def main() -> int:
    """Run rounds until the time is over."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="how long to go on (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the faults; their timing is the machine's")
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both", help="one after the other: both")
    options = parser.parse_args()
    # Ends like Ctrl-C does: nothing is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = DATABASES if options.database == "both" else (options.database,)
    for database in chosen:
        _run(database, seconds=options.seconds / len(chosen), seed=options.seed)
    return 0


def _run(database: str, *, seconds: float, seed: int) -> None:
    say(f"{database}, seed {seed}, {seconds:.0f} s, locks expire after {LOCK_EXPIRY.total_seconds():g} s")
    folder = Path(tempfile.mkdtemp(prefix="obelisk-chaos-"))
    with ExitStack() as stack:
        server = None
        if database == "postgresql":
            server = stack.enter_context(CrowdedServer(port=unused_port()))
        site = stack.enter_context(ChaosSite(folder, server=server))
        tally, chance = Tally(), random.Random(seed)
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                _round(site, chance, tally)
        except AssertionError:
            say(f"\n  FAILED with seed {seed}; the processes' logs stay in {folder}")
            raise
        _report(site, tally)
    shutil.rmtree(folder)


def _round(site: ChaosSite, chance: random.Random, tally: Tally) -> None:
    """Submit work, have things go wrong, wait until all have ended, and check what must hold."""
    started = time.monotonic()
    tally.rounds += 1
    faults = chance.choices(faults_of(site), k=chance.randint(1, _MOST_FAULTS))
    clock = chance.choice(CLOCKS) if chance.random() < _CLOCK_CHANCE else timedelta()
    names = [fault.name for fault in faults]
    if clock:
        names.append(f"a clock is wrong by {clock.total_seconds() / 60:+g} min")
    tally.faults.update(names)
    say(f"  round {tally.rounds:>3}: {', '.join(names)}", end="")

    site.submit(_JOBS, effects=1)
    site.put_clock(clock)
    deaths = [death for fault in faults if (death := fault.inflict(site, chance)) is not None]
    site.wait_for_rest()
    site.put_clock(timedelta())
    site.check()

    recovered = site.recoveries(deaths[0]) if len(deaths) == 1 and not clock and len(faults) == 1 else []
    tally.recoveries += recovered
    worst = f", went on after {_seconds(max(recovered))}" if recovered else ""
    say(f": right after {time.monotonic() - started:.1f} s{worst}")


def _report(site: ChaosSite, tally: Tally) -> None:
    site.topology.manage("doctor", "--all", *_EXAMINED)
    ((executions, events),) = site.topology.query(
        "SELECT (SELECT count(*) FROM executions_execution), (SELECT count(*) FROM executions_event)"
    )
    needed = sum(len(job.effects) for job in site.jobs.values())
    say(f"  {tally.rounds} rounds, {len(site.jobs)} workflows, {executions:,} executions, {events:,} events: all right")
    say(f"  {needed:,} effects were wanted, {site.effects.total:,} were had")
    if tally.recoveries:
        worst = max(tally.recoveries)
        median = timedelta(seconds=statistics.median(each.total_seconds() for each in tally.recoveries))
        say(
            f"  {len(tally.recoveries)} executions of dead executors went on after {_seconds(median)} (median), "
            f"{_seconds(worst)} (longest)"
        )
    for name, count in sorted(tally.faults.items()):
        say(f"  {count:>4} x {name}")


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.2f} s"


def say(text: str, *, end: str = "\n") -> None:
    """Print now."""
    sys.stdout.write(text + end)
    sys.stdout.flush()
