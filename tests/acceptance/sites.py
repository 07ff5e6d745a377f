"""Sites of their own for acceptance tests: a data directory, real processes, and a look at what they wrote."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from engine.log.ids import ExecutionId
from obelisk_site.database import sqlite_database
from tests.harness.eventually import eventually
from tests.harness.python_components import RUNTIMES
from tests.harness.site_database import COMMAND_S, SiteDatabase

REPOSITORY = Path(__file__).resolve().parents[2]
_OURS = ("OBELISK_", "DJANGO_")
_SESSION_DIR = "OBELISK_TESTS_SESSION_DIR"  # of tests/settings.py
_DEFAULT = "by default"


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended.

    Args:
        status: Its exit status.
        out: What it wrote to standard output.
        err: What it wrote to standard error.
    """

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of its output."""
        return self.out.splitlines()


class Running:
    """A process that goes on, and what it wrote so far."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self._out, self._err = out, err

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def out(self) -> str:
        """Its standard output so far."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """Its standard error so far."""
        return self._err.read_text()

    def wait_for(self, text: str) -> str:
        """Wait until it has written a text, and return its output so far."""

        def look() -> str | None:
            seen = self.out
            if text in seen:
                return seen
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{seen}\n{self.err}"
            return None

        return eventually(look, within_s=COMMAND_S)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self.process.send_signal(number)

    def wait(self) -> Finished:
        """Wait until it ends."""
        status = self.process.wait(COMMAND_S)
        return Finished(status, self.out, self.err)


class Site(SiteDatabase):
    """One data directory, with the processes that use it.

    Args:
        folder: Where to put the data directory and what processes write.
        settings: Environment variables of the site.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = folder / "data"
        super().__init__(sqlite_database(self.data_dir / "db.sqlite3", conn_max_age=None))
        self.port = unused_port()
        self._folder = folder
        self._settings = dict(settings or {})
        self._started: list[subprocess.Popen[bytes]] = []

    # --- Processes ---

    def start(self, *arguments: str) -> Running:
        """Start a command of ``manage.py`` in a session of its own."""
        out, err = (self._folder / f"{len(self._started)}-{arguments[0]}.{stream}" for stream in ("out", "err"))
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=REPOSITORY,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                start_new_session=True,
            )
        self._started.append(process)
        return Running(process, out, err)

    def run(self, *arguments: str) -> Finished:
        """Run a command of ``manage.py`` to its end."""
        return self.start(*arguments).wait()

    def check(self, *arguments: str) -> Finished:
        """Run a command of ``manage.py``, which must not fail."""
        finished = self.run(*arguments)
        assert finished.status == 0, finished
        return finished

    def migrate(self) -> None:
        """Make the tables, as ``manage.py migrate`` does; on SQLite by a copy of those that it made once."""
        if _SESSION_DIR not in os.environ or "OBELISK_DATABASE_URL" in self._settings:
            self.check("migrate", "-v0")
            return
        made = _migrated(self._settings.get("OBELISK_APPS", _DEFAULT))
        self.data_dir.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(made, self.data_dir / made.name)

    def python(self, program: str) -> Any:
        """Run a program inside Django, and return the JSON document that it prints."""
        finished = self.check("shell", "-v0", "-c", program)
        return json.loads(finished.out)

    def start_executor(self) -> Running:
        """Start an executor and wait until it gives a sign of life."""
        before = self.heartbeats()
        executor = self.start("run_executor")

        def look() -> bool:
            assert executor.process.poll() is None, executor.err
            return bool(self.heartbeats().keys() - before.keys())

        eventually(look)
        return executor

    def processes(self) -> list[psutil.Process]:
        """Return every living process that was started for this site, by the environment that they inherit."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("OBELISK_DATA_DIR") == str(self.data_dir):
                    found.append(process)
        return found

    def kill(self) -> None:
        """Kill whatever still runs."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        for started in self._started:
            started.wait(COMMAND_S)
        eventually(lambda: not self.processes())

    # --- What they wrote ---

    def wait_for_children(self, execution_id: ExecutionId, count: int) -> None:
        """Wait until so many children of an unfinished execution have."""
        finished = "SELECT count(*) FROM executions_execution WHERE parent_id = %s AND status = 'finished'"
        eventually(lambda: self.query(finished, execution_id)[0][0] >= count)
        with self.journal() as journal:
            assert not journal.state_of(execution_id).is_finished, "it is too fast for this test"

    def environment(self) -> dict[str, str]:
        """Return the environment of the site's processes."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        ours = {
            "OBELISK_DATA_DIR": str(self.data_dir),
            # Building an interpreter takes half a minute, compiling it some seconds.
            "OBELISK_RUNTIMES_DIR": str(RUNTIMES),
            "OBELISK_COMPILED_DIR": str(RUNTIMES / "compiled"),
            "PORT": str(self.port),
        }
        return {**inherited, **ours, **self._settings}


def _migrated(apps: str) -> Path:
    """Return a database that has all tables, made once for all of pytest-xdist's processes.

    Args:
        apps: Django apps besides the site's own.
    """
    folder = Path(os.environ[_SESSION_DIR]) / f"migrated-{apps}"
    folder.mkdir(exist_ok=True)
    made = folder / "db.sqlite3"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            site = Site(folder, {} if apps == _DEFAULT else {"OBELISK_APPS": apps})
            site.check("migrate", "-v0")
            (site.data_dir / made.name).rename(made)
    return made


def unused_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
