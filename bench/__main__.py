"""``make bench``: every measure several times, each in a fresh process and database; prints and stores the medians."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bench.limits import commits_per_s
from bench.site import ROOT, data_dir, fresh_directory

RUNS = 3
_TIMEOUT_S = 600


def main() -> int:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs of each measure (default: {RUNS}, at least 3)")
    parser.add_argument(
        "only", nargs="*", help="measures to run: w1 w1_window0 w2 w3 w4 w5 py js pages bulk (default: all)"
    )
    options = parser.parse_args()
    if options.runs < RUNS:
        parser.error(f"a median takes at least {RUNS} runs")
    chosen = options.only or list(_MEASURES)
    if unknown := set(chosen) - set(_MEASURES):
        parser.error(f"unknown measures {', '.join(sorted(unknown))}; there are {', '.join(_MEASURES)}")

    print(f"{platform.python_version()} on {_machine()}; {_DATABASE}; {options.runs} runs, medians\n", flush=True)
    figures: dict[str, float] = {}
    limits: list[float] = []
    for name in chosen:
        started = time.monotonic()
        runs = []
        for _ in range(options.runs):
            with fresh_directory() as directory:
                limits.append(commits_per_s(directory))
                runs.append(_run(_MEASURES[name], directory=str(directory)))
        medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        figures |= {_KEYS[name, key]: value for key, value in medians.items() if (name, key) in _KEYS}
        print(f"{_TITLES[name]} ({time.monotonic() - started:.0f} s)")
        for line in _lines(medians, runs):
            print(line)
        print(
            f"    {'plain SQLite commits/s beside it':<34} {statistics.median(limits[-options.runs :]):>10,.0f}",
            flush=True,
        )
    report = {
        **{key: round(value, 3) for key, value in figures.items()},
        "commits_per_s": round(statistics.median(limits), 1),
        "database": _DATABASE,
        "cpus": os.cpu_count(),
        "machine": _machine(),
        "python": platform.python_version(),
        "runs": options.runs,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = data_dir() / "bench" / "latest.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\nWritten to {path}")
    return 0


_DATABASE = "SQLite, WAL, synchronous=FULL"
_MEASURES: Mapping[str, Sequence[str]] = {
    "w1": ("bench.one", "w1"),
    "w1_window0": ("bench.one", "w1", "OBELISK_COMMIT_WINDOW=0"),
    "w2": ("bench.one", "w2"),
    "w3": ("bench.one", "w3"),
    "w4": ("bench.one", "w4"),
    "w5": ("bench.crash",),
    "py": ("bench.one", "py"),
    "js": ("bench.one", "js"),
    "pages": ("bench.pages",),
    "bulk": ("bench.bulk",),
}
_TITLES: Mapping[str, str] = {
    "w1": "W1  one workflow, 500 activities in series, commit window 10 ms",
    "w1_window0": "W1  the same, commit window 0: one commit a step",
    "w2": "W2  one workflow, 500 activities in parallel, joined",
    "w3": "W3  1,000 workflows of 3 serial steps, 64 in flight",
    "w4": "W4  submit to result of a one-step workflow, 100 times",
    "w5": "W5  kill -9 after 2,000 of 2,400 steps, restart, completion",
    "py": "PY  a workflow in Python, beside a compiled one",
    "js": "JS  a workflow in JavaScript, beside a compiled one",
    "pages": "PAGES  one workflow of 5,000 steps, watched by 50 live pages of the console, and by none",
    "bulk": "BULK  5,000 executions cancelled at once, beside a workflow that goes on",
}
_KEYS: Mapping[tuple[str, str], str] = {
    ("w1", "steps_per_s"): "w1_steps_per_s",
    ("w1_window0", "steps_per_s"): "w1_window0_steps_per_s",
    ("w2", "children_per_s"): "w2_children_per_s",
    ("w3", "workflows_per_s"): "w3_workflows_per_s",
    ("w3", "p50_ms"): "w3_p50_ms",
    ("w3", "p99_ms"): "w3_p99_ms",
    ("w3", "rss_mb"): "rss_mb",
    ("w4", "p50_ms"): "w4_p50_ms",
    ("w4", "p99_ms"): "w4_p99_ms",
    ("w5", "replay_s"): "w5_replay_s",
    ("w5", "restart_to_end_s"): "w5_restart_to_end_s",
    ("pages", "watched_part"): "pages_watched_part",
    ("pages", "delay_p95_ms"): "pages_delay_p95_ms",
    ("pages", "web_ms_per_10000_events"): "pages_web_ms_per_10000_events",
    ("pages", "apart_watched_part"): "pages_apart_watched_part",
    ("pages", "apart_delay_p95_ms"): "pages_apart_delay_p95_ms",
    ("bulk", "ended_s"): "bulk_ended_s",
    ("bulk", "beside_part"): "bulk_beside_part",
    **{
        (language, key): f"{language}_{key}"
        for language in ("py", "js")
        for key in ("first_call_ms", "host_call_us", "steps_per_s", "redeploy_ms")
    },
}


def _run(measure: Sequence[str], *, directory: str) -> dict[str, float]:
    module, *arguments = measure
    settings = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    environment = {
        **os.environ,
        "OBELISK_CONSOLE_LOG_LEVEL": "ERROR",
        # Built once, not in every fresh directory.
        "OBELISK_RUNTIMES_DIR": os.environ.get("OBELISK_RUNTIMES_DIR", str(data_dir() / "cache" / "runtimes")),
        **settings,
        "OBELISK_DATA_DIR": directory,
    }
    done = subprocess.run(
        [sys.executable, "-m", module, *(argument for argument in arguments if "=" not in argument)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        timeout=_TIMEOUT_S,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _lines(medians: Mapping[str, float], runs: Sequence[Mapping[str, float]]) -> Iterator[str]:
    for key, value in medians.items():
        every = " ".join(f"{run[key]:,.3g}" if run[key] < 100 else f"{run[key]:,.0f}" for run in runs)
        shown = f"{value:,.3f}" if value < 100 else f"{value:,.0f}"
        yield f"    {key:<34} {shown:>10}   ({every})"


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}"


if __name__ == "__main__":
    sys.exit(main())
