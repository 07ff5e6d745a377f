"""Executors on hosts of their own, a database and an HTTP server on another, and what became of their work."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

from engine.log.events import Locked
from engine.log.ids import ExecutionId
from tests.harness.eventually import eventually
from tests.harness.http_servers import Answer, Received, serve
from tests.harness.networks import HUB, Network
from tests.harness.nodes import Node
from tests.harness.postgresql import CARELESS, PrivateServer
from tests.harness.topology import Topology
from tests.harness.world import World

EFFECT = "fleet:hosts/activities.effect"
CHAIN = "fleet:hosts/workflows.chain"
_FINISHED_S = 180.0
_LONGEST_S = 60.0
_SUBMIT = """
import json
from executions.operations.submitting import submit
print(json.dumps([submit(ffqn, params).execution_id for ffqn, params in json.loads({calls!r})]))
"""


@dataclass
class Traces:
    """What arrived at the HTTP server: its answer tells the caller which trace it is.

    Args:
        of: The traces by name, in the order in which they arrived.
        takes_s: How long an answer takes.
        may_answer: While it is not set, answers wait.
    """

    of: dict[str, list[str]] = field(default_factory=dict)
    takes_s: float = 0.0
    may_answer: threading.Event = field(default_factory=threading.Event)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def leave(self, received: Received) -> Answer:
        """Note a request by its path, and answer with its number when it is time to."""
        name = received.path.removeprefix("/")
        with self._mutex:
            traces = self.of.setdefault(name, [])
            traces.append(f"{name} #{len(traces) + 1}")
            trace = traces[-1]
        self.may_answer.wait(_LONGEST_S)
        threading.Event().wait(self.takes_s)
        return Answer(body=trace.encode())


class Fleet:
    """Hosts with an executor each; a context manager.

    Args:
        folder: Where their files go.
        hosts: How many.
    """

    def __init__(self, folder: Path, *, hosts: int = 3) -> None:
        self._folder = folder
        self._names = [f"host{number + 1}" for number in range(hosts)]
        self._stack = ExitStack()
        self.traces = Traces()
        self.traces.may_answer.set()
        self.executors: list[Node] = []

    def __enter__(self) -> Fleet:
        with ExitStack() as stack:
            self.network = stack.enter_context(Network())
            server = PrivateServer({**CARELESS, "listen_addresses": HUB})
            self.network.at("hub", lambda: stack.enter_context(server))
            service = serve(self.traces.leave, host=HUB)
            self.service = self.network.at("hub", lambda: stack.enter_context(service)).origin
            self.server = server
            self.topology = stack.enter_context(
                Topology(
                    self._folder,
                    server=server,
                    settings={"OBELISK_OUTBOUND_HOSTS": self.service, "OBELISK_APPS": "", "OBELISK_SLOTS": "4"},
                )
            )
            self.topology.manage("migrate", "-v0")
            self.deploy()
            for name in self._names:
                self.network.add_host(name)
                settings = {"OBELISK_DATABASE_URL": self.topology.database_url(HUB)}
                self.executors.append(self.topology.add_executor(settings=settings, run=partial(self.network.at, name)))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def recover(self) -> None:
        """Have all hosts there again, and idle, whatever was done to them."""
        self.traces.may_answer.set()
        self.traces.takes_s = 0.0
        for name, executor in zip(self._names, self.executors, strict=True):
            self.network.mend(name)
            executor.thaw()
            if not executor.is_alive:
                self.topology.start_executor(executor, run=partial(self.network.at, name))

    def deploy(self, locking_strategy: str = "by_ffqns") -> None:
        """Deploy what they run.

        Args:
            locking_strategy: How its executions are found.
        """
        shutil.copy(Path(__file__).with_name("effects.py"), self._folder)
        path = self._folder / "fleet.toml"
        path.write_text(
            f"""
            [[python]]
            location = "effects.py"
            exec.locking_strategy = "{locking_strategy}"
            allowed_host = [{{ pattern = "{self.service}", methods = ["POST"] }}]
            """
        )
        self.topology.manage("deploy", str(path))

    def submit(self, *calls: tuple[str, Sequence[object]]) -> list[ExecutionId]:
        """Submit calls, each a function's name and its parameters behind the service's address."""
        given = json.dumps([(ffqn, [self.service, *params]) for ffqn, params in calls])
        answer = self.topology.manage("shell", "-v0", "-c", _SUBMIT.format(calls=given)).out
        return [ExecutionId(execution_id) for execution_id in json.loads(answer)]

    def wait_until_finished(self, execution_ids: Sequence[ExecutionId]) -> None:
        """Wait until all have ended."""
        left = "SELECT count(*) FROM executions_execution WHERE status <> 'finished' AND execution_id = ANY(%s)"
        eventually(lambda: self.topology.query(left, list(execution_ids)) == [(0,)], within_s=_FINISHED_S)

    def begun_by(self, execution_ids: Sequence[ExecutionId]) -> Counter[int]:
        """Return how many of the executions each host's executor was the last to begin, by its place in the list."""
        host_of = {
            executor_id: number
            for number, executor in enumerate(self.executors)
            for executor_id in self.topology.executor_ids(executor)
        }
        with self.topology.world() as world:
            last = [_locks(world, execution_id)[-1].executor_id for execution_id in execution_ids]
        return Counter(host_of[executor_id] for executor_id in last if executor_id in host_of)

    def check(self, execution_ids: Sequence[ExecutionId]) -> None:
        """Check that nothing was lost or recorded twice, and that effects were had at least once, and seldom more.

        The log of each folds to its row and ends once; what is recorded of an effect is a trace that it left, and it
        left at most as many as it was begun.
        """
        with self.topology.world() as world:
            for execution_id in execution_ids:
                for member in world.family_of(execution_id):
                    world.check(member)
                children = world.children_of(execution_id)
                for each in children or [execution_id]:
                    self._check_effect(world, each)
                if children:
                    results = [world.result_of(child)["ok"] for child in children]
                    assert world.result_of(execution_id) == {"ok": results}

    def _check_effect(self, world: World, execution_id: ExecutionId) -> None:
        recorded = world.result_of(execution_id)["ok"]
        traces = self.traces.of[recorded.rpartition(" #")[0]]
        assert recorded in traces
        assert len(traces) <= len(_locks(world, execution_id))


def _locks(world: World, execution_id: ExecutionId) -> list[Locked]:
    return [event for event in world.events_of(execution_id) if isinstance(event, Locked)]
