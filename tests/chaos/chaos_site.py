"""A site that things go wrong on: executors that can be killed at named places, work, and a look at the ruins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

from engine.log.ids import ExecutionId, make_execution_id
from tests.acceptance.sites import REPOSITORY
from tests.apps.saboteur.apps import FOLDER_VARIABLE
from tests.apps.saboteur.clock import VARIABLE as CLOCK_VARIABLE
from tests.apps.saboteur.clock import set_offset
from tests.apps.saboteur.points import Point, armed, struck
from tests.chaos.client import Client
from tests.chaos.effects import Effects, have_effects
from tests.chaos.invariants import check_invariants
from tests.chaos.proxy import CuttingProxy
from tests.chaos.recovery import WITHIN, Death, recoveries
from tests.chaos.small_disk import SmallDisk, small_disk
from tests.chaos.work import SETTINGS, WORKFLOW, Job, write_deployment
from tests.harness.eventually import PATIENCE_S, eventually
from tests.harness.postgresql import PrivateServer
from tests.harness.processors import ProcessorQueue
from tests.harness.site_database import COMMAND_S
from tests.harness.topology import Topology

_T = TypeVar("_T")

#: Settings of a server that is killed while the machine goes on: nothing has to reach the disk.
SURVIVING_ITS_DEATH: Final = {"fsync": "off", "full_page_writes": "off"}

FINISHED_S = 120.0
"""How long jobs may take on a busy machine on which much goes wrong."""

_BETWEEN_JOBS_S = 1.0
_AGAIN_S = 0.3
_CLOCK = "clock"
_LATER = "later-clock"
_UNFINISHED = "SELECT count(*) FROM executions_execution WHERE status <> 'finished'"


class ChaosSite:
    """A site with two executors and work to do; a context manager.

    The executors' way to PostgreSQL is through a proxy; the second one's clock can be put wrong.

    Args:
        folder: Where its files go.
        server: PostgreSQL, listening on loopback; SQLite, on a small disk if there may be one, if there is none.
        settings: Of its executors, beside and instead of `tests.chaos.work.SETTINGS`.
    """

    def __init__(
        self, folder: Path, *, server: PrivateServer | None = None, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.folder = folder
        self.server = server
        self._settings = settings
        self.jobs: dict[ExecutionId, Job] = {}
        self._batch: set[ExecutionId] = set()
        """Made since all had ended. Instants in the logs of those before may be of a clock that was wrong then."""
        self._has_rested = False
        self._numbers = count(1)
        self._stack = ExitStack()

    def __enter__(self) -> ChaosSite:
        with ExitStack() as stack:
            self._queue = stack.enter_context(ProcessorQueue())
            self.effects: Effects = stack.enter_context(have_effects())
            self.disk = None if self.server else self._mount(stack)
            self.topology = stack.enter_context(
                Topology(
                    self.folder,
                    server=self.server,
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
            self.client = Client(self.topology.environment("command"), self.folder / "client.log")
            stack.callback(self.client.close)
            detour = self._detour(stack)
            self.topology.add_executor(settings=detour)
            set_offset(self.folder, _CLOCK, timedelta())
            self.topology.add_executor(settings={CLOCK_VARIABLE: _CLOCK, **detour})
            self._stack = stack.pop_all()
        return self

    def _mount(self, stack: ExitStack) -> SmallDisk | None:
        folder = self.folder / "data"
        folder.mkdir()
        return stack.enter_context(small_disk(folder))

    def _detour(self, stack: ExitStack) -> dict[str, str]:
        """Return what leads executors to the database by way of the proxy, if there is a server."""
        self.proxy: CuttingProxy | None = None
        if self.server is None:
            return {}
        url = urlsplit(self.topology.database_url("127.0.0.1"))
        assert url.port is not None
        self.proxy = stack.enter_context(CuttingProxy(url.port))
        # Messages that are encrypted could not be told apart.
        detour = url._replace(
            netloc=f"{url.username}@127.0.0.1:{self.proxy.port}", query="sslmode=disable&gssencmode=disable"
        )
        return {"OBELISK_DATABASE_URL": urlunsplit(detour)}

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # --- Work ---

    def submit(self, jobs: int, *, effects: int = 0) -> None:
        """Submit so many jobs, again until that is acknowledged; returns when they have had so many effects."""
        before = self.effects.total
        made = self._make(jobs)
        eventually(lambda: self._send(made) is None)
        self.jobs |= made
        eventually(lambda: self.effects.total >= before + effects)

    def try_to_submit(self, jobs: int) -> tuple[list[ExecutionId], bool]:
        """Submit so many jobs in one transaction, once; return their ids, and whether that was acknowledged."""
        made = self._make(jobs)
        error = self._send(made)
        with self.topology.world() as world:
            self.jobs |= {each: job for each, job in made.items() if error is None or world.exists(each)}
        return list(made), error is None

    def _make(self, jobs: int) -> dict[ExecutionId, Job]:
        if self._has_rested:
            self._batch, self._has_rested = set(), False
        ids = [make_execution_id(datetime.now(UTC), os.urandom(10)) for _ in range(jobs)]
        self._batch.update(ids)
        return {chosen: Job(f"job-{next(self._numbers)}") for chosen in ids}

    def _send(self, made: Mapping[ExecutionId, Job]) -> str | None:
        return self.client.submit([(each, WORKFLOW, job.params(self.effects.authority)) for each, job in made.items()])

    @contextmanager
    def being_submitted_to(self) -> Iterator[None]:
        """Have a job submitted every now and then meanwhile, each again and again until that is acknowledged."""
        is_over = threading.Event()

        def go_on() -> None:
            while not is_over.is_set():
                made = self._make(1)
                self.jobs |= made
                while self._send(made) is not None:
                    threading.Event().wait(_AGAIN_S)
                is_over.wait(_BETWEEN_JOBS_S)

        with ThreadPoolExecutor(1) as thread:
            submitting = thread.submit(go_on)
            try:
                yield
            finally:
                is_over.set()
            submitting.result(FINISHED_S)

    def is_at_rest(self) -> bool:
        """Whether all executions have ended."""
        return self.topology.query(_UNFINISHED) == [(0,)]

    def wait_for_rest(self) -> None:
        """Wait until all executions have ended."""
        eventually(self.is_at_rest, within_s=FINISHED_S)
        self._has_rested = True

    def while_working(self, look: Callable[[], _T | None]) -> _T:
        """Look until there is something true to see, and have something to do until then; return what was seen."""

        def look_once() -> _T | None:
            seen = look()
            if not seen and self.is_at_rest():
                self.submit(2)
            return seen

        return eventually(look_once, within_s=2 * PATIENCE_S)

    def check(self) -> None:
        """Check what must hold when all have ended."""
        check_invariants(self.topology, self.jobs, self.effects)

    # --- What goes wrong ---

    def put_clock(self, offset: timedelta) -> None:
        """Have the second executor's clock be wrong by so much."""
        set_offset(self.folder, _CLOCK, offset)

    def arm(self, point: Point, *, after: int = 0) -> None:
        """Have the next process die that comes by a place, so many times before it without harm."""
        # Whoever comes by must not read half of it.
        armed(self.folder, f"{point}.new").write_text(str(after))
        armed(self.folder, f"{point}.new").rename(armed(self.folder, point))

    def death_at(self, point: Point) -> Death | None:
        """Return who died at a place, once; ``None`` if nobody has yet."""
        path = struck(self.folder, point)
        if not path.exists():
            return None
        told = json.loads(path.read_text())
        path.unlink()
        return Death(told["executor_id"], datetime.fromtimestamp(told["at"], UTC))

    def wait_for_death(self, point: Point) -> Death:
        """Wait until a process has died at a place, and return which one; there is work until then."""
        try:
            return self.while_working(lambda: self.death_at(point))
        finally:
            armed(self.folder, point).unlink(missing_ok=True)

    def recoveries(self, death: Death) -> list[timedelta]:
        """Return how long it took until somebody went on with each execution that the dead one held.

        Raises:
            AssertionError: If it took too long, and not because others had the processors.
        """
        with self.topology.world() as world:
            found = recoveries(world, death, self.jobs.keys() & self._batch)
        longest = max(found, default=timedelta())
        waited = self._queue.waited(death.at, death.at + longest)
        assert longest <= WITHIN + waited, f"it took {longest} until work went on; others had the processors {waited}"
        return found

    def run_to_its_death(self, program: str) -> None:
        """Run a program inside Django that is to be killed."""
        ended = self._run(program)
        assert ended.returncode == -signal.SIGKILL, ended

    def run_later(self, program: str, *, by: timedelta = timedelta()) -> Any:
        """Run a program inside Django, whose clock is late by so much; return the document that it prints, if any."""
        set_offset(self.folder, _LATER, by)
        ended = self._run(program, **{CLOCK_VARIABLE: _LATER})
        assert ended.returncode == 0, ended
        return json.loads(ended.stdout or "null")

    def _run(self, program: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "shell", "-v0", "-c", program],
            cwd=REPOSITORY,
            env=self.topology.environment("command") | settings,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
