"""A fresh site in a directory of its own, and an executor in this process."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.executor.executor import Executor
    from engine.journal.records import Hints
    from engine.log.ids import ExecutionId
    from executions.hosting import ExecutorHost

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 120.0


def data_dir() -> Path:
    """Return the data directory that reports go to."""
    return Path(os.environ.get("OBELISK_DATA_DIR", ROOT / "var")).resolve()


@contextmanager
def fresh_directory() -> Iterator[Path]:
    """Make a directory on the disk where the site's data lives, and take it away again."""
    base = data_dir() / "bench"
    base.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="site-", dir=base))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def set_up_django() -> None:
    """Load Django, for the site in the directory that OBELISK_DATA_DIR names."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "obelisk_site.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()


def set_up_site(deployment: Path = ROOT / "examples" / "compiled.toml") -> None:
    """Load Django, create the tables, deploy a file; in the directory that OBELISK_DATA_DIR names."""
    set_up_django()
    from django.core.management import call_command

    from components.services import deploy

    call_command("migrate", verbosity=0, skip_checks=True)
    deploy(deployment)
    # Else the first large commit waits until the disk has the new site's files, megabytes of components among them.
    os.sync()


class Bench:
    """A client of an executor that runs in the same process, as an application that embeds it would be.

    Args:
        is_alone: Whether no other process runs executions of this site.
    """

    def __init__(self, *, is_alone: bool = True) -> None:
        from executions.hosting import ExecutorHost
        from executions.process_memory import limit_arenas

        limit_arenas()
        self._is_alone = is_alone

        self._host: ExecutorHost = ExecutorHost()
        self.executor: Executor = self._host.executor

    def __enter__(self) -> Bench:
        from executions.process_memory import spare_collector

        spare_collector()
        self._host.start()
        # The first call loads the components; what is measured is work, not warming up.
        self.run("testing:fibo-workflow/workflow.fiboa", [10, 1])
        return self

    def __exit__(self, *exception: object) -> None:
        self._host.stop()

    def submit(self, function: str, params: list[object]) -> ExecutionId:
        """Start an execution; its creation shares a commit with whatever else is being written."""
        from executions.operations.submitting import submit

        return submit(function, params, journal=self.executor.journal).execution_id

    def submit_all(self, calls: Sequence[tuple[str, list[object]]]) -> list[ExecutionId]:
        """Start executions together."""
        from executions.operations.submitting import Call, submit_all

        submitted = submit_all([Call(*call) for call in calls], journal=self.executor.journal)
        return [each.execution_id for each in submitted]

    def following(self) -> Ends | EndsAnywhere:
        """Return a context that tells which executions ended."""
        return Ends(self.executor) if self._is_alone else EndsAnywhere()

    def wait(self, execution_id: ExecutionId) -> None:
        """Wait until an execution ended well."""
        subscription = self.executor.wakeups.subscribe(execution_id)
        until = time.monotonic() + TIMEOUT_S
        try:
            while not (state := self.executor.journal.state_of(execution_id)).is_finished:
                if time.monotonic() > until:
                    raise TimeoutError(f"{execution_id} did not finish within {TIMEOUT_S} s: {state}")
                subscription.wait(1.0)
        finally:
            subscription.close()
        if state.result_kind != "ok":
            raise RuntimeError(f"{execution_id} ended with {state.result_kind}")

    def run(self, function: str, params: list[object]) -> float:
        """Run an execution to its end and return the seconds that took."""
        started = time.perf_counter()
        self.wait(self.submit(function, params))
        return time.perf_counter() - started


class Ends:
    """Hears of every execution that ends in this process."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._mutex = threading.Condition()
        self._ended: set[ExecutionId] = set()

    def __enter__(self) -> Ends:
        self._executor.wakeups.listen(self._on_hints)
        return self

    def __exit__(self, *exception: object) -> None:
        self._executor.wakeups.listen(None)

    def wait(self, those: Collection[ExecutionId]) -> list[ExecutionId]:
        """Wait until at least one of some executions ended well, and return all that did."""
        with self._mutex:
            if not self._mutex.wait_for(lambda: not self._ended.isdisjoint(those), TIMEOUT_S):
                raise TimeoutError(f"none of {len(those)} executions ended within {TIMEOUT_S} s")
            ended = [execution_id for execution_id in those if execution_id in self._ended]
            self._ended.clear()
        return ended

    def _on_hints(self, hints: Hints) -> None:
        if hints.finished:
            with self._mutex:
                self._ended |= hints.finished
                self._mutex.notify_all()


class EndsAnywhere:
    """Hears of every execution that ends, in whatever process."""

    def __init__(self) -> None:
        from executions.journal.wakeups import make_change_feed

        self._feed = make_change_feed()
        self._changed = threading.Event()

    def __enter__(self) -> EndsAnywhere:
        self._feed.start(self._changed.set)
        return self

    def __exit__(self, *exception: object) -> None:
        self._feed.stop()

    def wait(self, those: Collection[ExecutionId]) -> list[ExecutionId]:
        """Wait until at least one of some executions ended well, and return all that did."""
        from engine.log.ids import ExecutionId
        from executions.models import Execution

        until = time.monotonic() + TIMEOUT_S
        while True:
            self._changed.clear()
            ended = Execution.objects.filter(execution_id__in=list(those), status="finished")
            if found := list(ended.values_list("execution_id", flat=True)):
                return [ExecutionId(execution_id) for execution_id in found]
            if not self._changed.wait(1.0) and time.monotonic() > until:
                raise TimeoutError(f"none of {len(those)} executions ended within {TIMEOUT_S} s")


def peak_rss_mb() -> float:
    """Return this process's largest resident size so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
