"""A site that things go wrong on: executors that can be killed at named places, work, and a look at the ruins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType

from engine.log.ids import ExecutionId, make_execution_id
from tests.acceptance.sites import REPOSITORY
from tests.apps.saboteur.apps import FOLDER_VARIABLE
from tests.apps.saboteur.points import Point, armed, struck
from tests.chaos.client import Client
from tests.chaos.effects import Effects, have_effects
from tests.chaos.invariants import check_invariants
from tests.chaos.recovery import Death, recoveries
from tests.chaos.work import SETTINGS, WORKFLOW, Job, write_deployment
from tests.harness.eventually import PATIENCE_S, eventually
from tests.harness.postgresql import PrivateServer
from tests.harness.site_database import COMMAND_S
from tests.harness.topology import Topology

FINISHED_S = 120.0
"""How long jobs may take on a busy machine on which much goes wrong."""

_UNFINISHED = "SELECT count(*) FROM executions_execution WHERE status <> 'finished'"


class ChaosSite:
    """A site with work to do; a context manager.

    Args:
        folder: Where its files go.
        server: PostgreSQL; SQLite if there is none.
        settings: Environment variables of all processes.
    """

    def __init__(
        self, folder: Path, *, server: PrivateServer | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.jobs: dict[ExecutionId, Job] = {}
        self._numbers = count(1)
        self._stack = ExitStack()
        self._server = server
        self._settings = settings or {}

    def __enter__(self) -> ChaosSite:
        with ExitStack() as stack:
            self.effects: Effects = stack.enter_context(have_effects())
            self.topology = stack.enter_context(
                Topology(
                    self.folder,
                    server=self._server,
                    settings={
                        "OBELISK_APPS": "tests.apps.saboteur",
                        "OBELISK_OUTBOUND_HOSTS": f"http://{self.effects.authority}",
                        FOLDER_VARIABLE: str(self.folder),
                        **SETTINGS,
                        **self._settings,
                    },
                )
            )
            self.topology.manage("migrate", "-v0")
            self.topology.manage("deploy", str(write_deployment(self.folder, self.effects.authority)))
            self.client = Client(self.topology.environment("command"))
            stack.callback(self.client.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # --- Work ---

    def submit(self, jobs: int, *, effects: int = 0) -> list[ExecutionId]:
        """Submit so many jobs, again until that is acknowledged; returns when they have had so many effects."""
        before = self.effects.total
        made = {
            make_execution_id(datetime.now(UTC), os.urandom(10)): Job(f"job-{next(self._numbers)}") for _ in range(jobs)
        }
        calls = [(chosen, WORKFLOW, job.params(self.effects.authority)) for chosen, job in made.items()]
        eventually(lambda: self.client.submit(calls) is None)
        self.jobs |= made
        eventually(lambda: self.effects.total >= before + effects)
        return ids

    def wait_for_rest(self) -> None:
        """Wait until all executions have ended."""
        eventually(lambda: self.topology.query(_UNFINISHED) == [(0,)], within_s=FINISHED_S)

    def check(self) -> None:
        """Check what must hold when all have ended."""
        check_invariants(self.topology, self.jobs, self.effects)

    # --- Deaths ---

    def arm(self, point: Point) -> None:
        """Have the next process die that comes by a place."""
        armed(self.folder, point).touch()

    def wait_for_death(self, point: Point) -> Death:
        """Wait until a process has died at a place, and return which one."""
        path = struck(self.folder, point)
        try:
            eventually(path.exists, within_s=2 * PATIENCE_S)
        finally:
            armed(self.folder, point).unlink(missing_ok=True)
        told = json.loads(path.read_text())
        path.unlink()
        return Death(told["executor_id"], datetime.fromtimestamp(told["at"], UTC))

    def recoveries(self, death: Death) -> list[timedelta]:
        """Return how long it took until somebody went on with each execution that the dead one held."""
        with self.topology.world() as world:
            return recoveries(world, death, self.jobs)

    def run_to_its_death(self, program: str) -> None:
        """Run a program inside Django that is to be killed."""
        ended = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v0", "-c", program],
            cwd=REPOSITORY,
            env=self.topology.environment("command"),
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert ended.returncode == -signal.SIGKILL, ended
