"""Several web processes and executors over one database, with a Redis that comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.log.ids import ExecutionId
from tests.acceptance.sites import unused_port
from tests.harness.eventually import eventually
from tests.harness.live_pages import LivePage
from tests.harness.nodes import Node
from tests.harness.postgresql import MISSING, PrivateServer, find_binaries
from tests.harness.redis_server import RedisServer, skip_without_redis
from tests.harness.topology import Topology, Web

# A whole site is started and stopped in each.
pytestmark = pytest.mark.timeout(600)

PASSWORD = "topology secret"
LOGIN = """
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("viewer"))
print(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
"""
PAUSED = """
from executions.operations.submitting import submit
print(submit("testing:fibo-workflow/workflow.fiboa", [10, 20], paused=True).execution_id)
"""
TASK = 'from django_q.tasks import async_task; async_task("executions.tasks.prune_finished")'


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    skip_without_redis()
    server = RedisServer(tmp_path, port=unused_port(), password=PASSWORD)
    server.start()
    yield server
    server.node.kill()


@pytest.fixture(params=["sqlite", "postgresql"])
def topology(request: pytest.FixtureRequest, tmp_path: Path, redis: RedisServer) -> Iterator[Topology]:
    with ExitStack() as stack:
        server = None
        if request.param == "postgresql":
            if find_binaries() is None:
                pytest.skip(MISSING)
            server = stack.enter_context(PrivateServer())
        topology = stack.enter_context(Topology(tmp_path, server=server, settings=redis.environment))
        topology.manage("migrate", "-v0")
        topology.manage("deploy", "examples/compiled.toml")
        yield topology


def python(topology: Topology, program: str) -> str:
    return topology.manage("shell", "-v0", "-c", program).out.strip()


def events(topology: Topology, node: Node) -> list[str]:
    return [line["event"] for line in topology.diary_of(node)]


async def watch_to_the_end(topology: Topology, webs: list[Web], cookie: str) -> list[str]:
    """Show a paused execution on a page of each web process, let it go on, and return how each page ends."""
    execution_id = await asyncio.to_thread(python, topology, PAUSED)
    pages = [await LivePage.open(web.port, cookie) for web in webs]
    for page in pages:
        page.watch(execution_id)
        await page.next("frame")
    await asyncio.to_thread(topology.manage, "execution", "unpause", execution_id)
    return [(await page.next("bye"))["why"] for page in pages]


def test_pages_of_every_web_process_are_told_whoever_runs_it_and_without_redis_too(
    topology: Topology, redis: RedisServer
) -> None:
    webs = [topology.add_web(), topology.add_web()]
    topology.add_executor()
    cookie = python(topology, LOGIN)

    assert asyncio.run(watch_to_the_end(topology, webs, cookie)) == ["final"] * 2

    redis.node.kill()
    assert asyncio.run(watch_to_the_end(topology, webs, cookie)) == ["final"] * 2
    topology.stop()
    assert not [node.name for node in topology.nodes if node.pids()]


def test_executors_go_on_without_redis_and_housekeeping_when_it_is_back(topology: Topology, redis: RedisServer) -> None:
    redis.node.kill()
    # It even starts.
    executor = topology.add_executor()
    submitted = topology.manage("submit", ".../workflow.fiboa", "[10, 20]").out.strip()
    topology.wait_until_finished(ExecutionId(submitted))
    eventually(lambda: "housekeeping.redis_away" in events(topology, executor))

    redis.start()
    python(topology, TASK)
    client = redis.client()
    eventually(lambda: client.llen("django_q:obelisk:q") == 0)
    client.close()
    eventually(lambda: "housekeeping.redis_back" in events(topology, executor))

    diary = topology.diary_of(executor)
    assert not [line for line in diary if line["level"] == "critical"], "a process of the cluster died of it"
    assert PASSWORD not in str(diary) + executor.output
    executor.stop()
