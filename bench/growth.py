"""``python -m bench.growth [EXECUTIONS]``: what a step costs while finished executions pile up in the database.

They are written through the journal, as if they had run: each is a child that called a pure activity, 500 of them to a
workflow. Between one size and the next the same workflow is measured, in the same process. In the minutes that lie
between, a shared machine's processor changes by more than the database does; so what a step costs is compared in
iterations of a plain loop that is timed beside each run.
"""

from __future__ import annotations

import json
import statistics
import sys
from datetime import timedelta

from bench.limits import mloops_per_s
from bench.measures import SERIAL, STEPS
from bench.micro_journal import START, steps, workflow
from bench.site import Bench, set_up_site
from engine.journal.protocol import Journal
from engine.journal.records import Append, Committed
from engine.log.events import Finished, LogEntry
from engine.log.ids import Version
from engine.log.return_values import JsonText, Returned, TypedValue

MOST = 1_000_000
_CHILDREN = 500
_BATCH = 100
_RUNS = 7


def main(most: int) -> None:
    """Measure at each size up to the largest, and print the series as JSON."""
    set_up_site()
    from executions.journal.journal import SqlJournal

    # Not the executor's: what is written is of another day, when its locks held.
    journal = SqlJournal.dedicated()
    sizes: list[int] = []
    us_per_step: list[float] = []
    loops_per_step: list[float] = []
    filled = 0
    with Bench() as bench:
        bench.run(SERIAL, [10, STEPS])
        for size in [0, *(step for step in (1_000, 10_000, 100_000, 1_000_000) if step <= most)]:
            while filled < size:
                _add_finished(journal, filled // _CHILDREN)
                filled += _CHILDREN
            runs = [(mloops_per_s(), bench.run(SERIAL, [10, STEPS]) / STEPS * 1e6) for _ in range(_RUNS)]
            sizes.append(filled)
            us_per_step.append(statistics.median(us for _, us in runs))
            loops_per_step.append(statistics.median(us * loops for loops, us in runs))
            print(f"{filled:>9,} finished executions: {us_per_step[-1]:.0f} us a step", file=sys.stderr, flush=True)
    journal.close()
    print(
        json.dumps(
            {
                "executions": sizes,
                "us_per_step": us_per_step,
                "loops_per_step": loops_per_step,
                "flat_ratio": max(loops_per_step[1:]) / loops_per_step[0],
            }
        )
    )


def _add_finished(journal: Journal, number: int) -> None:
    """Write one finished workflow with its children."""
    start = workflow(number)
    parent = start.execution.execution_id
    writes = [steps(parent, first=first, count=_BATCH) for first in range(1, _CHILDREN + 1, _BATCH)]
    behind = writes[-1].expected + len(writes[-1].entries)
    end = Finished(retval=Returned(ok=True, payload=TypedValue("u64", JsonText("55"))))
    entry = LogEntry(Version(behind), START + timedelta(seconds=1), end)
    last = Append(execution_id=parent, expected=Version(behind), entries=(entry,))
    for outcome in journal.commit([start, *writes, last], now=START).outcomes:
        if not isinstance(outcome, Committed):
            raise outcome


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MOST)
