"""The tables of figures in README.md and docs/performance.md, written from a report of ``make bench``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.suite import POSTGRESQL

BEGIN, END = "<!-- figures of make bench -->\n", "<!-- end of figures -->\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table.

    Args:
        title: What was measured, with its unit.
        keys: Its figures in the report.
        digits: Decimal places.
        aims: What each is to reach; none where the figure only informs.
        is_at_most: Whether the aim is a bound from above.
    """

    title: str
    keys: tuple[str, ...]
    digits: int = 0
    aims: tuple[float, ...] = ()
    is_at_most: bool = False


def _least(title: str, key: str, aim: float, *, digits: int = 0) -> Row:
    return Row(title=title, keys=(key,), digits=digits, aims=(aim,))


def _most(title: str, *keys: str, aims: tuple[float, ...] = (), digits: int = 0) -> Row:
    return Row(title=title, keys=keys, digits=digits, aims=aims, is_at_most=True)


ROWS: tuple[Row, ...] = (
    _least("W1 one workflow, 500 activities in series, steps/s", "w1_steps_per_s", 7000),
    _least("W1 with a commit window of 0 (one commit a step), steps/s", "w1_window0_steps_per_s", 2200),
    _least("W2 one workflow, 500 activities in parallel, children/s", "w2_children_per_s", 6000),
    _least("W3 1,000 workflows of 3 steps, 64 in flight, workflows/s", "w3_workflows_per_s", 1200),
    _most("W3 completion p50 / p99, ms", "w3_p50_ms", "w3_p99_ms"),
    _most("W3 peak memory of the process, MB", "rss_mb", aims=(250,)),
    _most("W4 submit to result of a one-step workflow p50 / p99, ms", "w4_p50_ms", "w4_p99_ms", aims=(5, 20), digits=1),
    _most("submit to start p95, ms", "start_p95_ms", aims=(15,), digits=1),
    _most("W5 replay of 2,000 steps after kill -9, s", "w5_replay_s", aims=(0.1,), digits=2),
    _most("W5 restart of the process to completion, s", "w5_restart_to_end_s", digits=1),
    _most("replay of a history of 10,000 events, s", "replay_10000_s", aims=(0.5,), digits=2),
    _most(
        "first durable call of a Python file, beyond a compiled component's, ms",
        "py_first_call_ms",
        aims=(5,),
        digits=1,
    ),
    _most("the same of a JavaScript file, ms", "js_first_call_ms", aims=(5,), digits=1),
    _most("a host call from Python source, µs", "py_host_call_us", aims=(60,)),
    _most("a host call from JavaScript source, µs", "js_host_call_us", aims=(45,)),
    _most("deploying a changed Python file, ms", "py_redeploy_ms", aims=(100,)),
    _most("deploying a changed JavaScript file, ms", "js_redeploy_ms", aims=(100,)),
    _least("50 live pages on a busy workflow: part of its speed that it keeps", "pages_watched_part", 0.97, digits=2),
    _least("the same, pages and web server on another core", "pages_apart_watched_part", 0.97, digits=2),
    _most("from an event's commit to such a page, p95, ms", "pages_delay_p95_ms", aims=(300,)),
    _most("the same, pages and web server on another core, ms", "pages_apart_delay_p95_ms", aims=(300,)),
    _most("5,000 executions cancelled at once, s", "bulk_ended_s", aims=(30,), digits=1),
    _least("PostgreSQL W1, steps/s", "pg_w1_steps_per_s", 5000),
    _least("PostgreSQL W1 with a commit window of 0, steps/s", "pg_w1_window0_steps_per_s", 800),
    _least("PostgreSQL W2, children/s", "pg_w2_children_per_s", 4000),
    _least("PostgreSQL W3, workflows/s", "pg_w3_workflows_per_s", 800),
    _most("PostgreSQL W4 p50 / p99, ms", "pg_w4_p50_ms", "pg_w4_p99_ms", digits=1),
    _most("PostgreSQL submit to start p95, ms", "pg_start_p95_ms", aims=(15,), digits=1),
    _most(
        "a step with a million finished executions, as a multiple of one in an empty database",
        "growth_ratio",
        aims=(1.1,),
        digits=2,
    ),
    _most("memory gained in the last half of two minutes of W3, MB", "soak_growth_mb", aims=(5,), digits=1),
    Row(title="plain SQLite, one-row commits/s on the same disk", keys=("commits_per_s",)),
    Row(title="iterations of a plain Python loop, million/s", keys=("mloops_per_s",), digits=1),
)


def write_tables(report: Mapping[str, Any], root: Path) -> None:
    """Put a whole report's figures between the marks of both pages."""
    text = table(report)
    for path in (root / "README.md", root / "docs" / "performance.md"):
        before, _, rest = path.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        path.write_text(f"{before}{BEGIN}{text}{END}{after}")


def table(report: Mapping[str, Any]) -> str:
    """Return the figures as Markdown, with what was missed."""
    rows = [row for row in ROWS if all(key in report for key in row.keys)]
    where = f"{report['machine']}, {report['python']}, {report['measured_at'][:10]}"
    lines = [
        f"`make bench` on {where}; medians of {report['runs']} runs in fresh processes; "
        f"{report['database']}; {POSTGRESQL}:",
        "",
        "| measure | figure | aim |",
        "| --- | ---: | ---: |",
        *(f"| {row.title} | {_joined(_values(row, report), row.digits)} | {_aim(row)} |" for row in rows),
        "",
    ]
    if missed := [f"{row.title} by {by:.0%}" for row in rows if (by := missed_by(row, report)) > 0]:
        lines += [f"Missed: {'; '.join(missed)}.", ""]
    return "\n".join(lines)


def missed_by(row: Row, report: Mapping[str, Any]) -> float:
    """Return by which part of its aim a row's worst figure misses it; 0 if it does not."""
    parts = [
        value / aim - 1 if row.is_at_most else 1 - value / aim
        for value, aim in zip(_values(row, report), row.aims, strict=False)
    ]
    return max([0.0, *parts])


def _values(row: Row, report: Mapping[str, Any]) -> list[float]:
    return [float(report[key]) for key in row.keys]


def _joined(values: list[float] | tuple[float, ...], digits: int) -> str:
    return " / ".join(f"{value:,.{digits}f}" for value in values)


def _aim(row: Row) -> str:
    if not row.aims:
        return ""
    digits = row.digits if any(aim % 1 for aim in row.aims) else 0
    return ("≤ " if row.is_at_most else "≥ ") + _joined(row.aims, digits)
