"""What the sandbox does not have says so, and what user code does there stays there."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from engine.log.events import TemporarilyFailed
from engine.log.return_values import Failed, FailureKind
from tests.harness.python_components import deploy_python, source
from tests.harness.simulation import Simulation

NO_FILES = (
    "FileNotFoundError: there are no files in the sandbox; pass the data as a parameter, or fetch it over HTTP in an "
    "activity"
)
NO_SOCKETS = "OSError: sockets are closed in the sandbox; use obelisk.http in an activity"
NO_THREADS = "RuntimeError: there are no threads in the sandbox; use gather() or join_set()"
NO_PROCESSES = "OSError: there are no processes in the sandbox; use an activity_exec component"

APP = source("""
    from __future__ import annotations
    import asyncio, concurrent.futures, hashlib, json, logging, os, pathlib, socket, subprocess, sys, tempfile
    import threading, time, urllib.request, zoneinfo
    from obelisk import *

    async def nothing(): pass

    def pooled():
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return pool.submit(print, "x").result()

    ATTEMPTS = {
        "open": lambda: open("/etc/passwd"),
        "write": lambda: pathlib.Path("x").write_text("y"),
        "listdir": lambda: os.listdir("/"),
        "tempfile": lambda: tempfile.NamedTemporaryFile(),
        "socket": lambda: socket.socket(),
        "connect": lambda: socket.create_connection(("localhost", 80)),
        "thread": lambda: threading.Thread(target=print).start(),
        "pool": pooled,
        "asyncio": lambda: asyncio.run(nothing()),
        "subprocess": lambda: subprocess.run(["ls"]),
        "system": lambda: os.system("ls"),
        "input": lambda: input(),
        "numpy": lambda: __import__("numpy"),
        "exit": lambda: sys.exit(3),
        "recursion": lambda: recurse(0),
        "memory": lambda: bytearray(2**31 - 1),
        "interrupt": lambda: (_ for _ in ()).throw(KeyboardInterrupt()),
    }

    def recurse(n):
        return recurse(n + 1)

    @activity(max_retries=0)
    def attempt(what: str) -> None:
        ATTEMPTS[what]()

    @workflow
    def flow(what: str) -> None:
        ATTEMPTS[what]()

    @activity(max_retries=0)
    def call_workflow() -> None:
        flow("open")

    @activity(max_retries=0)
    def library() -> str:
        logging.getLogger("shop").warning("%d left", 3)
        print("no line break", end="")
        return hashlib.sha256(json.dumps({"a": 1}).encode()).hexdigest()[:8]

    @activity(max_retries=0)
    def nap(seconds: float) -> float:
        before = time.monotonic()
        time.sleep(seconds)
        return time.monotonic() - before

    @activity(max_retries=0)
    def chained() -> None:
        try:
            json.loads("{")
        except ValueError as error:
            raise RuntimeError("no data") from error

    @activity(max_retries=0)
    def counter() -> int:
        ATTEMPTS["count"] = ATTEMPTS.get("count", 0) + 1
        return ATTEMPTS["count"]

    @activity(max_retries=0)
    def for_ever() -> None:
        while True:
            pass
""")


@pytest.fixture(scope="module")
def world() -> Simulation:
    simulation = Simulation(registry=deploy_python(APP))
    simulation.start_executor()
    return simulation


def run(world: Simulation, function: str, *params: Any) -> Any:
    target = world.submit(f"acme:app/{function}", params)
    world.run(target)
    return world.result_of(target)


@pytest.mark.parametrize("kind", ["activities.attempt", "workflows.flow"])
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("open", NO_FILES),
        ("write", NO_FILES),
        ("listdir", NO_FILES),
        ("tempfile", NO_FILES),
        ("socket", NO_SOCKETS),
        ("connect", NO_SOCKETS),
        ("thread", NO_THREADS),
        ("pool", NO_THREADS),
        ("asyncio", NO_THREADS),
        ("subprocess", NO_PROCESSES),
        ("system", NO_PROCESSES),
        ("input", "EOFError: nobody is at the keyboard; take a parameter, or ask with a @stub"),
        (
            "numpy",
            "ModuleNotFoundError: numpy is not in the sandbox; it has the standard library's pure modules and the "
            "files of this component",
        ),
        ("exit", "SystemExit: 3"),
        ("recursion", "RecursionError: maximum recursion depth exceeded"),
        ("memory", "MemoryError"),
        ("interrupt", "KeyboardInterrupt"),
    ],
)
def test_what_is_not_there_says_what_to_do_instead(world: Simulation, kind: str, what: str, sentence: str) -> None:
    assert run(world, kind, what) == {"err": sentence}


def test_an_activity_cannot_call_a_workflow(world: Simulation) -> None:
    assert run(world, "activities.call-workflow") == {
        "err": "RuntimeError: an activity cannot call the workflow flow; do that in the workflow"
    }


def test_the_standard_library_is_there_and_logging_goes_to_the_executions_log(world: Simulation) -> None:
    target = world.submit("acme:app/activities.library", [])
    world.run(target)

    world.executors[0].executor._services.guest_log.flush()
    lines = [line for line in world.memory._log_lines if line.execution_id == target]
    assert world.result_of(target) == {"ok": hashlib.sha256(b'{"a": 1}').hexdigest()[:8]}
    assert [(line.level, line.message) for line in lines] == [
        ("warn", "3 left  (app.py:50)"),
        ("info", "no line break"),
    ]


def test_an_activity_sleeps_for_real(world: Simulation) -> None:
    assert run(world, "activities.nap", 0.06)["ok"] >= 0.06


def test_a_trace_shows_the_causes_and_the_users_lines_only(world: Simulation) -> None:
    target = world.submit("acme:app/activities.chained", [])
    world.run(target)

    world.executors[0].executor._services.guest_log.flush()
    (trace,) = [line.message for line in world.memory._log_lines if line.execution_id == target]
    assert [line.strip() for line in trace.splitlines() if line.strip().startswith("File")] == [
        'File "app.py", line 65, in chained',
        'File "app.py", line 63, in chained',
    ]
    assert "RuntimeError: no data\nand before that:\n" in trace


COUNTING = source("""
    from datetime import timedelta
    from obelisk import activity, workflow, execution_id
    calls = []
    @activity(max_retries=0, attempt_timeout=timedelta(seconds=1))
    def count(how: str) -> int:
        calls.append(execution_id())
        if how == "fail":
            raise ValueError("no")
        if how == "exhaust":
            bytearray(2**31 - 1)
        if how == "for ever":
            while True:
                pass
        return len(set(calls))
    @workflow
    def flow() -> int:
        calls.append("")
        return len(calls)
""")


def test_an_instance_serves_activities_one_after_another_also_after_an_error() -> None:
    world = Simulation(registry=deploy_python(COUNTING))
    world.start_executor()

    results = [run(world, "activities.count", how) for how in ("", "fail", "")]

    assert results == [{"ok": 1}, {"err": "ValueError: no"}, {"ok": 3}]


def test_an_instance_that_ran_out_of_memory_is_not_used_again() -> None:
    world = Simulation(registry=deploy_python(COUNTING))
    world.start_executor()

    results = [run(world, "activities.count", how) for how in ("", "exhaust", "")]

    assert results == [{"ok": 1}, {"err": "MemoryError"}, {"ok": 1}]


def test_whoever_closes_its_output_leaves_the_next_call_its_own() -> None:
    world = Simulation(
        registry=deploy_python(
            source("""
        import sys
        from obelisk import activity
        @activity(max_retries=0)
        def say(text: str) -> None:
            print(text, flush=True)
            sys.stdout.close()
        """)
        )
    )
    world.start_executor()

    assert [run(world, "activities.say", text) for text in ("one", "two")] == [{"ok": None}] * 2

    world.executors[0].executor._services.guest_log.flush()
    assert [line.message for line in world.memory._log_lines] == ["one", "two"]


def test_an_instance_that_was_stopped_is_not_used_again() -> None:
    world = Simulation(registry=deploy_python(COUNTING))
    world.start_executor()
    assert run(world, "activities.count", "") == {"ok": 1}

    stopped = world.submit("acme:app/activities.count", ["for ever"])
    world.run(stopped)

    assert isinstance(world.retval_of(stopped), Failed)
    assert run(world, "activities.count", "") == {"ok": 1}


def test_an_instance_is_replaced_after_a_hundred_calls() -> None:
    world = Simulation(registry=deploy_python(COUNTING))
    world.start_executor()

    results = [run(world, "activities.count", "")["ok"] for _ in range(102)]

    assert results[-3:] == [100, 1, 2]


def test_an_instance_that_piles_up_memory_is_replaced() -> None:
    world = Simulation(
        registry=deploy_python(
            source("""
        from obelisk import activity
        kept: list[object] = []
        @activity
        def keep(large: bool) -> int:
            kept.append(bytes(5 << 20) if large else [object() for _ in range(100_000)])
            return len(kept)
        @activity
        def use() -> int:
            kept.append(len(bytes(30 << 20)))
            return len(kept)
        """)
        )
    )
    world.start_executor()

    calls = [run(world, "activities.keep", True)["ok"] for _ in range(10)]
    assert calls == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4]
    assert max(run(world, "activities.keep", False)["ok"] for _ in range(40)) < 30
    world = Simulation(registry=world.registry)
    world.start_executor()
    assert [run(world, "activities.use")["ok"] for _ in range(10)] == list(range(1, 11))


def test_a_deployment_may_ask_for_fresh_instances() -> None:
    world = Simulation(registry=deploy_python(COUNTING, is_warm=False))
    world.start_executor()

    assert [run(world, "activities.count", "") for _ in range(2)] == [{"ok": 1}, {"ok": 1}]


def test_every_run_of_a_workflow_has_modules_of_its_own() -> None:
    world = Simulation(registry=deploy_python(COUNTING))
    world.start_executor()

    assert [run(world, "workflows.flow") for _ in range(2)] == [{"ok": 1}, {"ok": 1}]


def test_a_function_that_never_ends_is_stopped() -> None:
    world = Simulation(
        registry=deploy_python(
            source("""
        from datetime import timedelta
        from obelisk import activity
        @activity(max_retries=0, attempt_timeout=timedelta(milliseconds=300))
        def for_ever() -> None:
            while True:
                pass
    """)
        )
    )
    world.start_executor()
    target = world.submit("acme:app/activities.for-ever", [])
    world.run(target)

    retval = world.retval_of(target)
    assert isinstance(retval, Failed)
    assert retval.kind is FailureKind.TIMED_OUT
    assert not [event for event in world.events_of(target) if isinstance(event, TemporarilyFailed)]


ZONES = """
    import zoneinfo
    from datetime import datetime, timezone
    from zoneinfo import ZoneInfo
    from obelisk import *

    @workflow
    def zones() -> list[str]:
        noon = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
        found = [f"{noon.astimezone(ZoneInfo(name)):%H:%M %Z}" for name in ("Europe/Rome", "Asia/Kolkata", "UTC")]
        try:
            ZoneInfo("Mars/Olympus")
        except zoneinfo.ZoneInfoNotFoundError as error:
            found.append(error.args[0])
        return [*found, str(len(zoneinfo.available_timezones()) > 400)]
"""


def test_time_zones_are_in_memory() -> None:
    world = Simulation(registry=deploy_python(source(ZONES)))
    world.start_executor()

    unknown = "there is no time zone 'Mars/Olympus'; a name is such as 'Europe/Rome'"
    assert run(world, "workflows.zones") == {"ok": ["14:00 CEST", "17:30 IST", "12:00 UTC", unknown, "True"]}
