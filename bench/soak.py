"""``python -m bench.soak [SECONDS]``: whether a busy executor's memory stays where it is.

Workflows of 3 steps, 64 in flight, for as long as asked; the process's resident size is read after every thousand.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import psutil

from bench.measures import many_workflows
from bench.site import Bench, set_up_site

SECONDS = 120.0


def main(seconds: float) -> None:
    """Measure once and print the series as JSON."""
    set_up_site()
    process = psutil.Process()
    at_s: list[float] = []
    rss_mb: list[float] = []
    rates: list[float] = []
    with Bench() as bench:
        started = time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds or len(at_s) < 8:
            rates.append(many_workflows(bench)["workflows_per_s"])
            at_s.append(elapsed)
            rss_mb.append(process.memory_info().rss / 2**20)
    quarter = len(rss_mb) // 4
    # The first quarter fills caches.
    early, late = statistics.median(rss_mb[quarter : 2 * quarter]), statistics.median(rss_mb[-quarter:])
    print(
        json.dumps(
            {
                "at_s": at_s,
                "rss_mb": rss_mb,
                "workflows": 1000 * len(rates),
                "workflows_per_s": statistics.median(rates),
                "rss_early_mb": early,
                "rss_late_mb": late,
                "rss_growth_mb": late - early,
            }
        )
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
