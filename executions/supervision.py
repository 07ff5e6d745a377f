"""The site's processes as children of one terminal command."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import structlog

from engine.errors import EngineError

log = structlog.get_logger(__name__)

_GUARD = Path(__file__).with_name("orphan_guard.py")
_POLL_S = 0.1
_STOP_S = 30.0


class SiteFailed(EngineError):
    """A process of the site did not start, or ended by itself."""


class SiteProcesses:
    """Starts processes and stops them again, the last first; a guard does if this process is killed.

    Args:
        directory: Where they run: the project's folder.
        environment: Their environment.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = dict(environment)
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> SiteProcesses:
        self._guard = subprocess.Popen(
            [sys.executable, "-I", str(_GUARD)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        # What it would stop is gone.
        self._guard.kill()
        self._guard.communicate()

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start a Python process of the site.

        It gets a session of its own, so that Ctrl-C reaches only the command, which then stops it in order.
        """
        child = subprocess.Popen(
            [sys.executable, *arguments], cwd=self._directory, env=self._environment, start_new_session=True
        )
        self._children.append((name, child))
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{child.pid}\n".encode())
        self._guard.stdin.flush()

    def check(self) -> None:
        """Check that all go on.

        Raises:
            SiteFailed: If one ended.
        """
        for name, child in self._children:
            if child.poll() is not None:
                raise SiteFailed(f"the {name} process ended with status {child.returncode}; see its log")

    def wait_until_healthy(self, url: str, *, timeout_s: float) -> None:
        """Wait until the health page answers 200.

        Raises:
            SiteFailed: If a process ended, or the time is over.
        """
        until = time.monotonic() + timeout_s
        reason = "no answer"
        while time.monotonic() < until:
            self.check()
            try:
                with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own http URL
                    return
            except urllib.error.HTTPError as error:
                reason = error.read().decode(errors="replace")
            except OSError as error:
                reason = str(error)
            time.sleep(_POLL_S)
        raise SiteFailed(f"the site was not healthy within {timeout_s:.0f} s: {reason}")

    def wait(self) -> None:
        """Return never but by an exception: of a process that ended, or of a signal.

        Raises:
            SiteFailed: If a process ended.
        """
        while True:
            self.check()
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Ask all to end, the last first, and kill what does not, or at once if the wait is interrupted."""
        until = time.monotonic() + _STOP_S
        try:
            for _, child in reversed(self._children):
                if child.poll() is None:
                    child.send_signal(signal.SIGTERM)
            for _, child in reversed(self._children):
                child.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("site.not_stopped_in_time", seconds=_STOP_S)
        finally:
            for _, child in self._children:
                _kill_group(child)
            self._children.clear()


def _kill_group(leader: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process and its descendants, which outlive it if it was killed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()


def check_port_is_free(port: int) -> None:
    """Check that the web process can listen.

    Raises:
        SiteFailed: If something listens there already.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SiteFailed(
                f"port {port} of this machine is taken ({error.strerror}); stop what uses it or set PORT"
            ) from error
