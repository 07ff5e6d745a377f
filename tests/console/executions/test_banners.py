"""Every state in which an execution has not ended: the page names the cause, in the very words of the API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from engine.errors import NondeterminismDetected
from engine.log import events as e
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.liveness import CONSIDERED_DEAD_AFTER, beat
from executions.operations.assigning import assign
from executions.operations.cancelling import cancel
from executions.operations.inbox import NOBODY as UNASSIGNED
from executions.operations.pausing import pause
from executions.operations.recording import Operation, RecordingJournal
from tests.builders import (
    DEPLOYMENT,
    JOIN_SET,
    make_append,
    make_child,
    make_child_request,
    make_created,
    make_delay_request,
    make_execution_id,
    make_holder,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit
from tests.executions.deployments import ADD, APPROVE, PING, declared, deploy_declared, deploy_runnable

pytestmark = pytest.mark.django_db

E1, E2 = (make_execution_id(number) for number in (1, 2))
EXECUTOR: Final = make_holder().executor_id
LONG_AGO: Final = timedelta(hours=-1)


class World:
    """What a case puts E1 into.

    Args:
        folder: For deployments.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = SqlJournal.for_current_connection()
        self.now = timezone.now()

    def in_(self, seconds: float) -> datetime:
        """Return an instant from now."""
        return self.now + timedelta(seconds=seconds)

    def submit(self, *events: e.ExecutionEvent, ffqn: str = ADD) -> None:
        """Create E1, with what happened to it."""
        created = make_created(ffqn=ffqn, scheduled_at=self.now + LONG_AGO)
        commit(self.journal, make_submit(E1, created, *events, at=self.now + LONG_AGO), now=self.now)

    def block(self, *requests: e.ChildRequested | e.DelayRequested, ffqn: str = ADD) -> None:
        """Create E1, which waits for these."""
        self.submit(make_locked(until=self.in_(60)), e.JoinSetCreated(join_set_id=JOIN_SET), ffqn=ffqn)
        children = [make_child(E1, n) for n, each in enumerate(requests, 1) if isinstance(each, e.ChildRequested)]
        write = make_append(E1, *requests, make_join_next(), expected=3, at=self.now, awaits=True, created=children)
        commit(self.journal, write, now=self.now)

    def executor(self, *, running: int = 0, seen_at: datetime | None = None, deployment: str | None = None) -> None:
        """Have an executor with one slot."""
        at = seen_at or self.now
        beat(EXECUTOR, now=at, started_at=at, deployment_id=deployment, slots=1, running=running)


def not_due(world: World) -> None:
    created = make_created(scheduled_at=world.in_(3600))
    commit(world.journal, make_submit(E1, created, at=world.now), now=world.now)


def nobody_exports_it(world: World) -> None:
    world.submit(ffqn="test:gone/api.call")


def no_executor(world: World) -> None:
    deploy_runnable(world.folder)
    world.submit(ffqn=PING)


def executor_silent(world: World) -> None:
    no_executor(world)
    world.executor(seen_at=world.now - CONSIDERED_DEAD_AFTER - timedelta(seconds=5))


def next_in_line(world: World) -> None:
    no_executor(world)
    world.executor()


def no_slot(world: World) -> None:
    no_executor(world)
    world.executor(running=1)


def another_deployment(world: World) -> None:
    no_executor(world)
    world.executor(deployment="Dep_other")


def limit_reached(world: World) -> None:
    deploy_runnable(world.folder, "exec.instance_limiter = 1")
    function = deployed_registry().find(PING)
    assert function is not None
    component = function.component.id
    held = make_locked(component_id=component, until=world.in_(60))
    world.submit(ffqn=PING)
    commit(world.journal, make_submit(E2, make_created(ffqn=PING, component_id=component), held), now=world.now)
    world.executor()


def only_another_version(world: World) -> None:
    deploy_runnable(world.folder, 'exec.locking_strategy = "by_component_digest"')
    world.submit(ffqn=PING)
    world.executor()


def cannot_continue_on_this_code(world: World) -> None:
    deploy_runnable(world.folder)
    function = deployed_registry().find(PING)
    assert function is not None
    tried = e.ComponentUpgradeFinished(
        component_digest=function.component.id.digest,
        deployment_id=DEPLOYMENT,
        failure=str(NondeterminismDetected(version=3, recorded="sleep", requested="<call>")),
    )
    world.submit(tried, ffqn=PING)
    world.executor()


def backing_off(world: World) -> None:
    failed = e.TemporarilyFailed(backoff_expires_at=world.in_(60), reason="502 Bad Gateway")
    world.submit(make_locked(max_retries=5, until=world.in_(60)), failed)


def running(world: World) -> None:
    world.submit(make_locked(until=world.in_(60)))


def lock_expired(world: World) -> None:
    world.submit(make_locked(until=world.in_(-5)))
    world.executor()


def executor_killed(world: World) -> None:
    world.submit(make_locked(until=world.in_(-5)))


def waits_for_children(world: World) -> None:
    world.block(make_child_request(E1, 1), make_child_request(E1, 2))


def sleeping(world: World) -> None:
    world.block(make_delay_request(E1, expires_at=world.in_(90)))


def waits_for_a_person(world: World) -> None:
    deploy_declared(world.folder)
    world.submit(ffqn=APPROVE)


def given_to_a_person(world: World) -> None:
    waits_for_a_person(world)
    assign(E1, User.objects.create_user("bob"), seen=UNASSIGNED, actor="user:ann", reason="he knows")


def waits_for_a_childs_person(world: World) -> None:
    deploy_declared(world.folder, declared("test:pkg/api.call"))
    world.block(make_child_request(E1, 1))


def paused(world: World) -> None:
    world.submit()
    pause(E1, journal=RecordingJournal(E1, Operation.PAUSE, actor="user:ann", reason="the bank is <closed>"))


def cancelling(world: World) -> None:
    world.block(make_child_request(E1, 1), ffqn="test:pkg/api.stop-cancellable")
    cancel(E1, journal=RecordingJournal(E1, Operation.CANCEL, actor="user:ann", reason="not wanted"))


AT: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
TIME: Final = r"\d\d:\d\d:\d\d UTC"
NOBODY: Final = "no executor is alive; start one with `manage.py run_executor`"

CASES: Final[Mapping[Callable[[World], None], str]] = {
    not_due: f"It is due at {AT}.",
    nobody_exports_it: "It is due, but no deployed component exports test:gone/api.call; deploy one that does.",
    no_executor: f"It is due, but {NOBODY}.",
    executor_silent: f"It is due, but {NOBODY}.",
    next_in_line: "It is due and will be run in a moment.",
    no_slot: "It is due and waits for a free executor slot; it is the next one.",
    another_deployment: r"It is due, but no executor has taken up the deployment Dep_\S+ yet.",
    limit_reached: (
        rf"It is due and waits for one of the 1 runs of ping \({E2}\) to end: at most 1 go on in an executor "
        r"\(exec.instance_limiter\); it is the next one."
    ),
    only_another_version: "It is due, but only the component version sha256:a+ may run it, which is not deployed.",
    cannot_continue_on_this_code: (
        "It is due, but its history cannot be replayed by the deployed component version, they part at event 3: "
        "key does not match event stored at version 3: key: <call>, event: sleep."
    ),
    backing_off: f"It is due at {AT} after 1 failed run, the last with: 502 Bad Gateway.",
    running: f"It is running on {EXECUTOR}, whose lock lasts until {TIME}.",
    lock_expired: f"It was running on {EXECUTOR}, whose lock expired at {TIME}; another executor takes over.",
    executor_killed: f"It was running on {EXECUTOR}, whose lock expired at {TIME}; but {NOBODY}.",
    waits_for_children: (
        rf"It waits at join set n:work for {E1}.n:work_1 \(test:pkg/api.call\) and 1 more, the first of which is due, "
        "but no deployed component exports test:pkg/api.call; deploy one that does."
    ),
    sleeping: f"It waits at join set n:work for a delay until {AT}.",
    given_to_a_person: rf"It waits for bob to supply its result; given to them by user:ann since {AT} \(he knows\).",
    waits_for_a_person: "It waits for its result to be supplied: nobody here carries it out.",
    waits_for_a_childs_person: (
        rf"It waits at join set n:work for {E1}.n:work_1 \(test:pkg/api.call\), which waits for its result to be "
        "supplied: nobody here carries it out."
    ),
    paused: rf"It is paused by user:ann since {AT} \(the bank is <closed>\); unpause it.",
    cancelling: rf"It is being cancelled by user:ann since {AT} \(not wanted\) and waits for {E1}.n:work_1 .*",
}


def banner_of(page: str) -> str:
    (found,) = re.findall(r'<p class="ob-banner ob-[\w-]+" role="status">(?:<strong>.*?</strong>)?(.*?)</p>', page)
    return unescape(re.sub(r"<[^>]+>", "", found)).strip()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_page_says_what_the_api_says(case: Callable[[World], None], operator: Client, tmp_path: Path) -> None:
    case(World(tmp_path))

    shown = banner_of(operator.get(f"/admin/executions/{E1}/").text)
    told = operator.get(f"/v1/executions/{E1}/status", headers={"Accept": "application/json"}).json()

    assert re.fullmatch(CASES[case], shown), shown
    assert told["explanation"] == shown
