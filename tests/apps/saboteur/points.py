"""Places in the product where a process can be killed; it is wrapped from outside and knows nothing of it.

A place is armed by a file of its name in the folder, which holds how many times it is to be left alone first. Whoever
comes by then takes the file away, which only one process can, tells in another one that it dies, and does.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.executor import activity_run
from engine.executor.attempts import attempt_activity
from engine.executor.executor import Executor
from engine.executor.locker import Locker
from engine.executor.workflow_driver import WorkflowDriver
from engine.journal.records import Append, Write
from engine.log.events import Finished, Locked
from executions.batches.running import BatchRun
from executions.journal import deleting
from executions.journal.open_commits import OpenTransaction, PreparedTransaction
from executions.models import RollUp


class Point(StrEnum):
    """Where a process dies."""

    AFTER_LOCK = "after-lock"
    """Executions are locked, and nothing of them has been run."""
    AFTER_EFFECT = "after-effect"
    """An activity did what it does to the world, and nobody has been told."""
    BEFORE_COMMIT = "before-commit"
    """A result is in the open transaction."""
    AFTER_COMMIT = "after-commit"
    """A result is durable, and nobody has been told."""
    DURING_FLUSH = "during-flush"
    """A transaction of what ran out of its commit window is open."""
    DURING_RENEWAL = "during-renewal"
    """The extension of a lock is in the open transaction."""
    DURING_REPLAY = "during-replay"
    """A workflow is between two calls that its history answers."""
    DURING_STATISTICS = "during-statistics"
    """The statistics' cursor has moved on in the open transaction, what was counted is not yet in it."""
    DURING_RETENTION = "during-retention"
    """Some rows of executions that are deleted are gone in the open transaction."""
    DURING_BATCH = "during-batch"
    """A bulk operation has changed an execution in the open transaction, and not noted that it has."""
    BEFORE_AHEAD = "before-ahead"
    """A commit that was prepared while the disk had another one is about to be stored."""
    AFTER_AHEAD = "after-ahead"
    """It is durable, and nobody has been told."""


RUNNING = tuple(Point)[: list(Point).index(Point.DURING_STATISTICS)]
"""Those that a run of an execution comes by."""
AHEAD = (Point.BEFORE_AHEAD, Point.AFTER_AHEAD)
"""Those that it comes by only with a commit window of 0."""


def armed(folder: Path, point: str) -> Path:
    """Return the file that arms a place."""
    return folder / f"armed-{point}"


def struck(folder: Path, point: Point) -> Path:
    """Return the file that tells who died there, and when."""
    return folder / f"struck-{point}"


class _Saboteur:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._passed: Counter[Point] = Counter()
        self.executor_id = ""

    def passes(self, point: Point) -> None:
        """Come by a place, and die if that is wanted."""
        struck_file = struck(self._folder, point)
        mine = struck_file.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        try:
            self._passed[point] += 1
            if self._passed[point] <= int(armed(self._folder, point).read_text()):
                return
            armed(self._folder, point).rename(mine)
        except FileNotFoundError:
            self._passed[point] = 0
            return
        mine.write_text(json.dumps({"executor_id": self.executor_id, "pid": os.getpid(), "at": time.time()}))
        mine.rename(struck_file)
        os.kill(os.getpid(), signal.SIGKILL)


def install(folder: Path) -> None:
    """Wrap all places, in this process and those that it forks."""
    saboteur = _Saboteur(folder)
    _before(Executor, "start", lambda executor: setattr(saboteur, "executor_id", executor.executor_id))
    _before(Locker, "take", lambda _, locked: saboteur.passes(Point.AFTER_LOCK) if locked else None)
    _wrap_attempts(saboteur)
    _wrap_commits(saboteur)
    _before(
        WorkflowDriver,
        "after_call",
        lambda driver: saboteur.passes(Point.DURING_REPLAY) if driver.run.is_replaying else None,
    )
    _before(RollUp.objects, "bulk_create", lambda *_, **__: saboteur.passes(Point.DURING_STATISTICS))
    _wrap_deletion(saboteur)
    _before(BatchRun, "_advance", lambda *_, **__: saboteur.passes(Point.DURING_BATCH))


def _before(owner: Any, name: str, act: Callable[..., object]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **options: Any) -> Any:
        act(*args, **options)
        return original(*args, **options)

    setattr(owner, name, wrapped)


def _wrap_deletion(saboteur: _Saboteur) -> None:
    tables = deleting._tables

    def pass_between() -> Iterator[str]:
        first, *others = tables()
        yield first
        saboteur.passes(Point.DURING_RETENTION)
        yield from others

    setattr(deleting, "_tables", pass_between)  # noqa: B010 - a module's name is not to be assigned to


def _wrap_attempts(saboteur: _Saboteur) -> None:
    original = attempt_activity

    def attempt(services: Any, function: Any, *args: Any, **options: Any) -> Any:
        outcome = original(services, function, *args, **options)
        if function.component.may_touch_world:
            saboteur.passes(Point.AFTER_EFFECT)
        return outcome

    setattr(activity_run, "attempt_activity", attempt)  # noqa: B010 - a module's name is not to be assigned to


def _wrap_commits(saboteur: _Saboteur) -> None:
    for kind in (OpenTransaction, PreparedTransaction):
        _wrap_finish(saboteur, kind)


def _wrap_finish(saboteur: _Saboteur, kind: Any) -> None:
    original = kind.finish

    def finish(transaction: Any) -> Any:
        writes: list[Write] = transaction._writes
        is_ahead = kind is PreparedTransaction
        if is_ahead:
            saboteur.passes(Point.BEFORE_AHEAD)
        has_result = any(_has(write, Finished) for write in writes)
        if has_result:
            saboteur.passes(Point.BEFORE_COMMIT)
        if any(_has(write, Locked) for write in writes):
            saboteur.passes(Point.DURING_RENEWAL)
        if threading.current_thread().name == "flusher":
            saboteur.passes(Point.DURING_FLUSH)
        report = original(transaction)
        if is_ahead:
            saboteur.passes(Point.AFTER_AHEAD)
        if has_result:
            saboteur.passes(Point.AFTER_COMMIT)
        return report

    kind.finish = finish


def _has(write: Write, kind: type) -> bool:
    return isinstance(write, Append) and any(isinstance(entry.event, kind) for entry in write.entries)
