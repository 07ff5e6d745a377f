"""django-q2's cluster, whose workers host the executors, made to outlive the death of any of them.

django-q2 replaces a process that died, but hands it the queues of the dead one. Whoever waits at a queue of
`multiprocessing` holds that queue's lock; if it is killed there, as an idle worker is, nobody can ever read the queue
again: no task is run any more, and the cluster waits for ever for its workers to take in that they shall stop.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any

from django_q import cluster, queues


class ProcessLock:
    """A lock between a process and those it forks, which the system takes back from one that dies.

    It does not keep apart the threads of one process.
    """

    def __init__(self) -> None:
        # Record locks belong to a process and a file, not to the descriptor that forked processes share.
        self._file, path = tempfile.mkstemp()
        Path(path).unlink()
        weakref.finalize(self, os.close, self._file)

    def __enter__(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)


class SurvivingQueue(queues.Queue):  # type: ignore[misc]  # django-q2 ships no types
    """A queue that others can read on when a reader is killed while it waits.

    One that is killed in the few microseconds in which it takes a task out may still leave half of it behind.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._rlock = ProcessLock()


def use_surviving_queues() -> None:
    """Have every cluster that this process starts from now on use queues that survive their readers."""
    # The cluster makes its queues in the middle of starting up; there is no setting for what they are.
    cluster.Queue = SurvivingQueue
