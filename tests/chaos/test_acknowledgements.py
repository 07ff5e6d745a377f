"""A client of the API, and what it was told, while the web process and its database die."""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from engine.log.ids import ExecutionId, make_execution_id
from tests.acceptance.api_client import Client
from tests.chaos.chaos_site import ChaosSite
from tests.chaos.work import WORKFLOW
from tests.harness.eventually import eventually
from tests.harness.topology import Web

#: Starting a site takes its time on a busy machine.
pytestmark = pytest.mark.timeout(300)

DEATHS = 3
BETWEEN = 4
"""Requests answered between two deaths, at least."""


@dataclass
class Asked:
    """What a client asked for, and which of it was acknowledged."""

    ids: list[ExecutionId] = field(default_factory=list)
    acknowledged: set[ExecutionId] = field(default_factory=set)


@contextmanager
def client_asking(web: Web, token: str) -> Iterator[Asked]:
    """Have a thread submit empty workflows, one after the other, whatever becomes of the other end."""
    client, asked, is_over = Client(web.port, token), Asked(), threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            execution_id = make_execution_id(datetime.now(UTC), os.urandom(10))
            asked.ids.append(execution_id)
            try:
                reply = client.ask("PUT", f"executions/{execution_id}", {"ffqn": WORKFLOW, "params": [[]]})
            except (OSError, http.client.HTTPException):
                is_over.wait(0.05)
                continue
            assert reply.status in (201, 500, 503), reply
            if reply.status == 201:
                asked.acknowledged.add(execution_id)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield asked
    finally:
        is_over.set()
        thread.join()


def test_what_was_acknowledged_is_there_and_ends_whatever_dies(site: ChaosSite) -> None:
    token = site.topology.manage("token", "create", "chaos", "--scope", "submit").out.split()[-1]
    web = site.topology.add_web()
    try:
        with client_asking(web, token) as asked:
            for number in range(DEATHS):
                before = len(asked.acknowledged)
                eventually(lambda before=before: len(asked.acknowledged) >= before + BETWEEN)  # type: ignore[misc]
                if site.server is not None and number % 2:
                    site.server.cut_connections()
                else:
                    web.kill()
                    web.start()
    finally:
        web.kill()
    site.wait_for_rest()

    with site.topology.world() as world:
        assert [each for each in asked.acknowledged if not world.exists(each)] == []
        world.check(*(each for each in asked.ids if world.exists(each)))
    assert len(asked.acknowledged) >= DEATHS * BETWEEN
    site.check()
