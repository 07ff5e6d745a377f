"""What `make bench` measures, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SQLITE = "SQLite, WAL, synchronous=FULL"
POSTGRESQL = "PostgreSQL, defaults of durability, two executor processes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing to measure, in a fresh process and a fresh database each time.

    Args:
        name: What `make bench ARGS=...` calls it.
        title: One line for people.
        command: The module to run, and its arguments; it prints its figures as JSON.
        keys: Names in the report, by the names of the figures; what is not named is only printed.
        settings: Environment variables.
        database: Which database, and how durable.
        runs: How often; ``None`` for as often as asked. A series is measured once.
    """

    name: str
    title: str
    command: tuple[str, ...]
    keys: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    database: str = SQLITE
    runs: int | None = None


_WINDOW_0 = {"OBELISK_COMMIT_WINDOW": "0"}
_W1 = "one workflow, 500 activities in series, commit window 10 ms"
_W1_WINDOW_0 = "the same, commit window 0: one commit a step"
_W2 = "one workflow, 500 activities in parallel, joined"
_W3 = "1,000 workflows of 3 serial steps, 64 in flight"
_W4 = "submit to result of a one-step workflow, 100 times"


def _source(language: str, title: str) -> Measure:
    keys = ("first_call_ms", "host_call_us", "steps_per_s", "redeploy_ms")
    return Measure(
        name=language,
        title=f"{language.upper():<4}{title}",
        command=("bench.one", language),
        keys={key: f"{language}_{key}" for key in keys},
    )


def _postgresql(name: str, title: str, keys: Mapping[str, str], settings: Mapping[str, str] | None = None) -> Measure:
    return Measure(
        name=f"pg_{name}",
        title=f"PG  {title}",
        command=("bench.postgresql", name.partition("_")[0]),
        keys={figure: f"pg_{key}" for figure, key in keys.items()},
        settings=settings or {},
        database=POSTGRESQL,
    )


MEASURES: tuple[Measure, ...] = (
    Measure(name="w1", title=f"W1  {_W1}", command=("bench.one", "w1"), keys={"steps_per_s": "w1_steps_per_s"}),
    Measure(
        name="w1_window0",
        title=f"W1  {_W1_WINDOW_0}",
        command=("bench.one", "w1"),
        keys={"steps_per_s": "w1_window0_steps_per_s"},
        settings=_WINDOW_0,
    ),
    Measure(name="w2", title=f"W2  {_W2}", command=("bench.one", "w2"), keys={"children_per_s": "w2_children_per_s"}),
    Measure(
        name="w3",
        title=f"W3  {_W3}",
        command=("bench.one", "w3"),
        keys={
            "workflows_per_s": "w3_workflows_per_s",
            "p50_ms": "w3_p50_ms",
            "p99_ms": "w3_p99_ms",
            "rss_mb": "rss_mb",
        },
    ),
    Measure(
        name="w4",
        title=f"W4  {_W4}",
        command=("bench.one", "w4"),
        keys={"p50_ms": "w4_p50_ms", "p99_ms": "w4_p99_ms", "start_p95_ms": "start_p95_ms"},
    ),
    Measure(
        name="w5",
        title="W5  kill -9 after 2,000 of 2,400 steps, restart, completion",
        command=("bench.crash",),
        keys={"replay_s": "w5_replay_s", "restart_to_end_s": "w5_restart_to_end_s"},
    ),
    Measure(
        name="replay",
        title="REPLAY  a history of 10,000 events",
        command=("bench.one", "replay"),
        keys={"replay_10000_s": "replay_10000_s"},
    ),
    _source("py", "a workflow in Python, beside a compiled one"),
    _source("js", "a workflow in JavaScript, beside a compiled one"),
    Measure(
        name="pages",
        title="PAGES  one workflow of 5,000 steps, watched by 50 live pages of the console, and by none",
        command=("bench.pages",),
        keys={
            "watched_part": "pages_watched_part",
            "delay_p95_ms": "pages_delay_p95_ms",
            "web_ms_per_10000_events": "pages_web_ms_per_10000_events",
            "apart_watched_part": "pages_apart_watched_part",
            "apart_delay_p95_ms": "pages_apart_delay_p95_ms",
        },
    ),
    Measure(
        name="bulk",
        title="BULK  5,000 executions cancelled at once, beside a workflow that goes on",
        command=("bench.bulk",),
        keys={"ended_s": "bulk_ended_s", "beside_part": "bulk_beside_part"},
    ),
    _postgresql("w1", f"W1, {_W1}", {"steps_per_s": "w1_steps_per_s"}),
    _postgresql("w1_window0", f"W1, {_W1_WINDOW_0}", {"steps_per_s": "w1_window0_steps_per_s"}, _WINDOW_0),
    _postgresql("w2", f"W2, {_W2}", {"children_per_s": "w2_children_per_s"}),
    _postgresql(
        "w3", f"W3, {_W3}", {"workflows_per_s": "w3_workflows_per_s", "p50_ms": "w3_p50_ms", "p99_ms": "w3_p99_ms"}
    ),
    _postgresql("w4", f"W4, {_W4}", {"p50_ms": "w4_p50_ms", "p99_ms": "w4_p99_ms", "start_p95_ms": "start_p95_ms"}),
    Measure(
        name="growth",
        title="GROWTH  what a step costs from an empty database to a million finished executions",
        command=("bench.growth",),
        keys={"executions": "growth_executions", "us_per_step": "growth_us_per_step", "flat_ratio": "growth_ratio"},
        runs=1,
    ),
    Measure(
        name="soak",
        title="SOAK  two minutes of W3: memory of the process",
        command=("bench.soak",),
        keys={"at_s": "soak_at_s", "rss_mb": "soak_rss_mb", "rss_growth_mb": "soak_growth_mb"},
        runs=1,
    ),
)
