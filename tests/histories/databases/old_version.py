"""An old version of this project, run in this virtual environment from a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.acceptance.sites import REPOSITORY, unused_port
from tests.harness.eventually import eventually
from tests.harness.python_components import RUNTIMES
from tests.histories.databases.stories import STORIES, When

_PATIENCE_S = 240.0
_SUBMIT = """
import json, os
from django.core.management import call_command
for execution_id, ffqn, params in json.loads(os.environ["STORIES"]):
    call_command("submit", ffqn, params, execution_id=execution_id, verbosity=0)
"""


class OldVersion:
    """A version of this project in a folder, with a data directory.

    Args:
        tree: Its files.
        data_dir: Its data directory.
        settings: Environment variables besides.
    """

    def __init__(self, tree: Path, data_dir: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self._tree = tree
        self._environ = {
            name: text for name, text in os.environ.items() if not name.startswith(("OBELISK_", "DJANGO_"))
        }
        self._environ |= {
            "OBELISK_DATA_DIR": str(data_dir),
            "OBELISK_RUNTIMES_DIR": str(RUNTIMES),
            "OBELISK_COMPILED_DIR": str(RUNTIMES / "compiled"),
            "OBELISK_APPS": "",
            "PORT": str(unused_port()),
            # This checkout is installed in the virtual environment; the old files come first.
            "PYTHONPATH": str(tree),
            **(settings or {}),
        }

    def manage(self, *arguments: str, **environ: str) -> None:
        """Run a command of ``manage.py`` to its end."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(
            command, cwd=self._tree, env=self._environ | environ, check=True, timeout=_PATIENCE_S, stdout=sys.stderr
        )

    @contextlib.contextmanager
    def executor(self) -> Iterator[None]:
        """Run an executor until the ``with`` ends, and kill it with everything that it started."""
        command = [sys.executable, "manage.py", "run_executor"]
        process = subprocess.Popen(
            command, cwd=self._tree, env=self._environ, stdout=sys.stderr, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def submit(self, when: When) -> None:
        """Submit the stories of a kind."""
        self.submit_calls([(s.execution_id, s.ffqn, json.dumps(s.params)) for s in STORIES if s.when is when])

    def submit_calls(self, calls: Sequence[tuple[str, str, str]]) -> None:
        """Submit calls: ids, functions, and parameters as JSON."""
        self.manage("shell", "-c", _SUBMIT, STORIES=json.dumps(calls))

    def statuses(self) -> dict[str, str]:
        """Return the state of each story's execution that is there."""
        rows = self.query("SELECT execution_id, status FROM executions_execution")
        return dict(rows)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with contextlib.closing(sqlite3.connect(self.data_dir / "db.sqlite3", timeout=30)) as connection:
            return connection.execute(sql).fetchall()

    def wait(self, when: When, *statuses: str, but: Sequence[str] = ()) -> None:
        """Wait until all stories of a kind are in one of these states."""
        ids = [story.execution_id for story in STORIES if story.when is when and story.execution_id not in but]
        eventually(lambda: all(self.statuses().get(each) in statuses for each in ids), within_s=_PATIENCE_S)


def take_out(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder."""
    command = ["git", "archive", "--format=tar", commit]
    archive = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=_PATIENCE_S).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
