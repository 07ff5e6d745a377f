"""The plots of docs/performance, drawn from a report of ``make bench``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.tables import ROWS

_AIMS = {key: aim for row in ROWS for key, aim in zip(row.keys, row.aims, strict=False) if not row.is_at_most}
_THROUGHPUT = (
    ("W1 steps/s", "w1_steps_per_s"),
    ("W1, window 0", "w1_window0_steps_per_s"),
    ("W2 children/s", "w2_children_per_s"),
    ("W3 workflows/s", "w3_workflows_per_s"),
)
_LATENCY = (
    ("W4 p50", "w4_p50_ms"),
    ("W4 p99", "w4_p99_ms"),
    ("submit to start p95", "start_p95_ms"),
    ("W3 p50", "w3_p50_ms"),
    ("W3 p99", "w3_p99_ms"),
)
_DATABASES = (("SQLite", "", "#4f46e5"), ("PostgreSQL, two executors", "pg_", "#0d9488"))
_INK = "#57534e"


def draw_plots(report: Mapping[str, Any], folder: Path) -> None:
    """Draw throughput, latency and growth as SVG files.

    Args:
        report: What ``make bench`` wrote, whole.
        folder: Where to put them.
    """
    # The same figures give the same files.
    style: dict[Any, Any] = {"svg.hashsalt": "obelisk", "svg.fonttype": "none", "font.size": 9, "axes.edgecolor": _INK}
    with mpl.rc_context(style):
        _save(_bars(report, _THROUGHPUT, "a second; the line is the aim"), folder / "throughput.svg")
        _save(_bars(report, _LATENCY, "milliseconds"), folder / "latency.svg")
        _save(_growth(report), folder / "growth.svg")


def _bars(report: Mapping[str, Any], rows: Sequence[tuple[str, str]], label: str) -> Figure:
    figure = Figure(figsize=(7.2, 0.62 * len(rows) + 1.1), layout="constrained")
    axes = figure.subplots()
    for place, (name, prefix, colour) in enumerate(_DATABASES):
        for row, (_, key) in enumerate(rows):
            value, at = report[prefix + key], row + 0.38 * place
            axes.barh(at, value, height=0.34, color=colour, label=name if row == 0 else None)
            aim = _AIMS.get(prefix + key)
            if aim is not None:
                axes.plot([aim, aim], [at - 0.19, at + 0.19], color=_INK, linewidth=1.5)
            axes.annotate(
                f"{value:,.0f}" if value >= 10 else f"{value:.1f}", (max(value, aim or 0), at), (4, 0), **_BESIDE
            )
    axes.set_yticks([row + 0.19 for row in range(len(rows))], [title for title, _ in rows])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(label)
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    _plain(axes)
    return figure


_BESIDE: dict[str, Any] = {"textcoords": "offset points", "va": "center", "color": _INK, "fontsize": 8}


def _growth(report: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(7.2, 2.9), layout="constrained")
    cost, memory = figure.subplots(1, 2)
    sizes = report["growth_executions"]
    cost.plot(range(len(sizes)), report["growth_us_per_step"], marker="o", color=_DATABASES[0][2])
    cost.set_xticks(range(len(sizes)), [f"{size:,.0f}" for size in sizes], rotation=20)
    cost.set_xlabel("finished executions in the database")
    cost.set_ylabel("µs a step")
    memory.plot(report["soak_at_s"], report["soak_rss_mb"], color=_DATABASES[0][2])
    memory.set_xlabel("seconds under load")
    memory.set_ylabel("resident MB")
    for axes in (cost, memory):
        axes.margins(y=0.15)
        axes.set_ylim(bottom=0)
        _plain(axes)
    return figure


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)
    axes.xaxis.label.set_color(_INK)
    axes.yaxis.label.set_color(_INK)


def _save(figure: Figure, path: Path) -> None:
    # White behind it: the pages that show it may be dark.
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
