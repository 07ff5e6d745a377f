"""A process of a site, or a server that it needs, as something that can be stopped, killed and frozen."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from tests.harness.eventually import PATIENCE_S, eventually

STOP_S = 40.0
"""How long a process may take to stop in order: an executor gives its activities some seconds."""


class Node:
    """A program with all that it started: a session of its own, and one log file.

    Args:
        name: What people call it; names the log.
        command: The program and its arguments.
        log: Where standard output and standard error go, one start after the other.
        environment: Its whole environment; by default that of this process.
        directory: Where it runs.
        on_start: Told the id of each process that is started, which is that of its process group too.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        on_start: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = tuple(command)
        self._environment = None if environment is None else dict(environment)
        self._directory = directory
        self._on_start = on_start
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of its main process."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether its main process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self) -> None:
        """Start it, again if it has ended."""
        assert not self.is_alive, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._on_start(self._process.pid)

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait until it is ready.

        Raises:
            AssertionError: If it ends before that, or is not ready in time.
        """

        def look() -> bool:
            assert self.is_alive, f"{self.name} ended by itself:\n{self.output[-4000:]}"
            return is_ready()

        eventually(look, within_s=2 * PATIENCE_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and wait; nothing if it has ended.

        Args:
            number: The signal that its main process gets.

        Raises:
            AssertionError: If it does not end in time; it is killed then.
        """
        if self._process is None:
            return
        self.thaw()
        if self.is_alive:
            self._process.send_signal(number)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not stop within {STOP_S:g} s:\n{self.output[-4000:]}") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill it with all that it started, without warning, and wait until all are gone."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait(PATIENCE_S)
        eventually(lambda: not self.pids())

    def freeze(self) -> None:
        """Stop the clock for it and all that it started (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on where it was frozen (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def pids(self) -> list[int]:
        """Return the ids of its living processes, those that lost their parents among them."""
        if self._process is None:
            return []
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if os.getsid(process.pid) == self._process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
        return found

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
