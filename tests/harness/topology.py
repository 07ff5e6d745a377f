"""A whole site as processes of this machine: web processes and executors over one database, with Redis if wanted.

What ``docker-compose.yml`` starts in containers, without containers; tests take it apart process by process.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from executions import orphan_guard
from obelisk_site.database import postgresql_database, sqlite_database
from obelisk_site.process import Process
from tests.acceptance.sites import REPOSITORY, Finished, unused_port
from tests.harness.nodes import Node
from tests.harness.postgresql import PrivateServer
from tests.harness.python_components import RUNTIMES
from tests.harness.site_database import COMMAND_S, SiteDatabase

#: As docker-compose.yml has them, without the interpreter; the web process is told where to listen besides.
WEB: Final = ("-m", "daphne", "--access-log", os.devnull, "obelisk_site.asgi:application")
EXECUTOR: Final = ("manage.py", "run_executor")

_OURS = ("OBELISK_", "DJANGO_", "PORT")


class Topology(SiteDatabase):
    """A site's processes; a context manager that leaves none behind, not even when this process is killed.

    With SQLite all share one data directory. With PostgreSQL each has its own, as hosts have.

    Args:
        folder: Where data directories and logs go; must exist.
        server: PostgreSQL, which gets a database of its own; SQLite if there is none.
        settings: Environment variables of all processes.
    """

    def __init__(
        self, folder: Path, *, server: PrivateServer | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._settings = {"DJANGO_SECRET_KEY": secrets.token_urlsafe(50), **(settings or {})}
        self._server = server
        if server is None:
            entry = sqlite_database(folder / "data" / "db.sqlite3", conn_max_age=None)
        else:
            self._database_name = f"site_{secrets.token_hex(4)}"
            url = server.create_database(self._database_name)
            self._settings = {"OBELISK_DATABASE_URL": url, **self._settings}
            entry = postgresql_database(url, process=Process.COMMAND, pool_size=1)
        super().__init__(entry)
        self.webs: list[Web] = []
        self.executors: list[Node] = []

    def __enter__(self) -> Topology:
        self._guard = subprocess.Popen(
            [sys.executable, "-I", orphan_guard.__file__], stdin=subprocess.PIPE, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes:
            node.kill()
        self._guard.kill()
        self._guard.communicate()

    @property
    def nodes(self) -> Sequence[Node]:
        """All processes that were added, web processes first."""
        return [*self.webs, *self.executors]

    def stop(self) -> None:
        """Ask all to end, the last first, and wait for them."""
        for node in reversed(self.nodes):
            node.stop()

    # --- What runs ---

    def manage(self, *arguments: str) -> Finished:
        """Run a command of ``manage.py``, which must not fail."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env=self.environment("command"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        finished = Finished(done.returncode, done.stdout, done.stderr)
        assert finished.status == 0, finished
        return finished

    def add_web(self, *, port: int = 0) -> Web:
        """Start a web process; returns when it answers requests.

        Args:
            port: Where it listens, on loopback; 0 for any.
        """
        port = port or unused_port()
        name = f"web-{len(self.webs) + 1}"
        web = Web(
            name,
            [sys.executable, *WEB, "-b", "127.0.0.1", "-p", str(port)],
            environment=self.environment(name) | {"PORT": str(port)},
            log=self._folder / f"{name}.log",
            directory=REPOSITORY,
            on_start=self.guard,
        )
        web.port = port
        self.webs.append(web)
        web.start()
        web.wait_until(web.answers)
        return web

    def add_executor(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        run: Callable[[Callable[[], None]], None] = lambda start: start(),
    ) -> Node:
        """Start an executor; returns when it has given a sign of life.

        Args:
            settings: Environment variables of this one.
            run: Calls what starts the process; in a network of its own, say.
        """
        name = f"executor-{len(self.executors) + 1}"
        executor = Node(
            name,
            [sys.executable, *EXECUTOR],
            environment=self.environment(name) | dict(settings or {}),
            log=self._folder / f"{name}.log",
            directory=REPOSITORY,
            on_start=self.guard,
        )
        self.executors.append(executor)
        self.start_executor(executor, run=run)
        return executor

    def start_executor(
        self, executor: Node, *, run: Callable[[Callable[[], None]], None] = lambda start: start()
    ) -> None:
        """Start an executor that has ended; returns when it has given a sign of life. See `add_executor`."""
        before = self.heartbeats().keys()
        run(executor.start)
        executor.wait_until(lambda: bool(self.heartbeats().keys() - before))

    def executor_ids(self, executor: Node) -> set[str]:
        """Return the ids under which the workers of a process are on the list."""
        pids = set(executor.pids())
        return {executor_id for executor_id, pid in self.heartbeats().items() if pid in pids}

    def diary_of(self, node: Node) -> list[dict[str, Any]]:
        """Return the lines of a process's structured log, oldest first; with SQLite those of all of its kind."""
        path = self._data_dir(node.name) / "logs" / f"{node.name.partition('-')[0]}.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def guard(self, group: int) -> None:
        """Have a process group ended if this process is killed."""
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{group}\n".encode())
        self._guard.stdin.flush()

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment of one of the site's processes."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        return {
            **inherited,
            "OBELISK_DATA_DIR": str(self._data_dir(name)),
            # Building an interpreter takes half a minute, compiling it some seconds.
            "OBELISK_RUNTIMES_DIR": str(RUNTIMES),
            "OBELISK_COMPILED_DIR": str(RUNTIMES / "compiled"),
            **self._settings,
        }

    def database_url(self, host: str) -> str:
        """Return the address of the database for who reaches the server at a host's address."""
        assert self._server is not None, "there is no server"
        return self._server.url(self._database_name, host=host)

    def _data_dir(self, name: str) -> Path:
        return self._folder / "data" if self._server is None else self._folder / name


class Web(Node):
    """A web process."""

    port = 0

    @property
    def origin(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Whether it answers requests, be it with a failure."""
        try:
            with urllib.request.urlopen(f"{self.origin}/healthz", timeout=10):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
