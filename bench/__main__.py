"""``make bench``: every measure several times, each in a fresh process and database; prints and stores the medians.

A whole run also brings the report, the plots and the tables of the documentation up to date.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bench.limits import commits_per_s, mloops_per_s
from bench.plots import draw_plots
from bench.site import ROOT, data_dir, fresh_directory
from bench.suite import MEASURES, SQLITE, Measure
from bench.tables import write_tables

RUNS = 3
_TIMEOUT_S = 1800
_PUBLISHED = ROOT / "docs" / "performance"

Figure = float | list[float]


def main() -> int:
    """Measure, print, store."""
    names = [measure.name for measure in MEASURES]
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs of each measure (default: {RUNS}, at least 3)")
    parser.add_argument("only", nargs="*", help=f"measures to run: {' '.join(names)} (default: all)")
    options = parser.parse_args()
    if options.runs < RUNS:
        parser.error(f"a median takes at least {RUNS} runs")
    if unknown := set(options.only) - set(names):
        parser.error(f"unknown measures {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = [measure for measure in MEASURES if not options.only or measure.name in options.only]

    print(f"{_python()} on {_machine()}; {options.runs} runs, medians\n", flush=True)
    figures: dict[str, Figure] = {}
    commits: list[float] = []
    loops: list[float] = []
    for measure in chosen:
        started = time.monotonic()
        runs: list[dict[str, Figure]] = []
        for _ in range(measure.runs or options.runs):
            with fresh_directory() as directory:
                commits.append(commits_per_s(directory))
                loops.append(mloops_per_s())
                runs.append(_run(measure, directory=str(directory)))
        medians = {key: _median([run[key] for run in runs]) for key in runs[0]}
        figures |= {measure.keys[key]: value for key, value in medians.items() if key in measure.keys}
        print(f"{measure.title} ({time.monotonic() - started:.0f} s)")
        for line in _lines(medians, runs):
            print(line)
        if measure.database == SQLITE:
            print(f"    {'plain SQLite commits/s beside it':<34} {statistics.median(commits[-len(runs) :]):>10,.0f}")
        print(f"    {'million Python loops/s beside it':<34} {statistics.median(loops[-len(runs) :]):>10.1f}")
        sys.stdout.flush()
    report = {
        **{key: _rounded(value) for key, value in figures.items()},
        "commits_per_s": round(statistics.median(commits), 1),
        "mloops_per_s": round(statistics.median(loops), 1),
        "database": SQLITE,
        "cpus": os.cpu_count(),
        "machine": _machine(),
        "python": _python(),
        "runs": options.runs,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = data_dir() / "bench" / "latest.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\nWritten to {path}")
    if not options.only:
        _PUBLISHED.mkdir(exist_ok=True)
        (_PUBLISHED / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        draw_plots(report, _PUBLISHED)
        write_tables(report, ROOT)
        print(
            f"Report and plots are in {_PUBLISHED.relative_to(ROOT)}, the tables in README.md and docs/performance.md"
        )
    return 0


def _run(measure: Measure, *, directory: str) -> dict[str, Figure]:
    module, *arguments = measure.command
    environment = {
        **os.environ,
        "OBELISK_CONSOLE_LOG_LEVEL": "ERROR",
        # Built once, not in every fresh directory.
        "OBELISK_RUNTIMES_DIR": os.environ.get("OBELISK_RUNTIMES_DIR", str(data_dir() / "cache" / "runtimes")),
        **measure.settings,
        "OBELISK_DATA_DIR": directory,
    }
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        timeout=_TIMEOUT_S,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _median(values: Sequence[Any]) -> Figure:
    # Of a series there is one.
    return values[0] if isinstance(values[0], list) else statistics.median(values)


def _rounded(value: Figure) -> Figure:
    return [round(each, 3) for each in value] if isinstance(value, list) else round(value, 3)


def _lines(medians: Mapping[str, Figure], runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for key, value in medians.items():
        if isinstance(value, list):
            yield f"    {key:<34} {' '.join(_shown(each) for each in value)}"
        else:
            yield f"    {key:<34} {_shown(value):>10}   ({' '.join(_shown(run[key]) for run in runs)})"


def _shown(value: float) -> str:
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}"


def _python() -> str:
    # An interpreter built without profile-guided optimisation is up to a fifth slower.
    if "deb_system" in sysconfig.get_scheme_names():
        # Its recipe optimizes, and does not tell by this option.
        build = "Debian's build"
    elif "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""):
        build = "optimized build"
    else:
        build = "build without --enable-optimizations"
    return f"{platform.python_implementation()} {platform.python_version()} ({build})"


if __name__ == "__main__":
    sys.exit(main())
