from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from console.live.messages import Sub
from console.live.schedule_topics import SchedulesTopic, ScheduleTopic
from console.schedules.acting import ACTIONS
from engine.executor.cron_seeds import first_seed, make_seed
from engine.journal.records import LockRequest, Submit
from engine.log.events import Scheduled, Unlocked
from engine.log.ids import DeploymentId, ExecutionId
from engine.log.schedules import Now
from executions.access.scopes import Scope
from executions.cron.operating import find_cron, pause_cron, unpause_cron
from executions.deployed import deployed_registry
from executions.journal.journal import SqlJournal
from executions.models import Execution, OperationRecord
from executions.operations.submitting import submit
from tests.builders import (
    make_append,
    make_created,
    make_execution_id,
    make_holder,
    make_lockable,
    make_locked,
    make_submit,
)
from tests.console.conftest import ROLES, rights_of
from tests.engine.journal.commits import commit
from tests.executions.deployments import ADD, deploy_declared

pytestmark = pytest.mark.django_db

HOURLY = f'[[cron]]\nname = "hourly"\nffqn = "{ADD}"\nparams = \'[1, ["<script>"]]\'\nschedule = "@hourly"\n'


def make_due(name: str, first_tick: datetime) -> ExecutionId:
    """Make a schedule's seed, as an executor does; return its id."""
    spec = find_cron(name).spec
    deployment_id = DeploymentId(deployed_registry().deployment.id)
    seed = first_seed(spec.id.digest)
    made = make_seed(spec, seed, deployment_id, now=timezone.now(), first_tick=first_tick)
    commit(SqlJournal.for_current_connection(), Submit(made))
    return seed


@pytest.fixture
def seed(tmp_path: Path) -> ExecutionId:
    """The seed of a schedule that is due in an hour."""
    deploy_declared(tmp_path, HOURLY)
    return make_due("hourly", timezone.now() + timedelta(hours=1))


def open_form(browser: Client, key: str) -> dict[str, str]:
    form = browser.get(f"/admin/schedules/hourly/do/{key}/").context["form"]
    return {"seen": form["seen"].value(), "execution_id": form["execution_id"].value(), "reason": "a look"}


def test_without_schedules_the_page_says_how_to_add_one(operator: Client) -> None:
    text = operator.get("/admin/schedules/").text

    assert "Nothing is started by the clock." in text
    assert "[[cron]]" in text
    assert "nothing is deployed yet" in text


def test_a_schedule_is_listed_with_its_next_tick_and_its_page_has_ten(operator: Client, seed: ExecutionId) -> None:
    tick = find_cron("hourly").next_at
    assert tick is not None

    listed = operator.get("/admin/schedules/").text
    shown = operator.get("/admin/schedules/hourly/")

    assert f"{tick:%a %d %b %Y %H:%M}" in listed
    assert len(shown.context["ticks"]) == 10
    assert seed in shown.text
    assert "<script>" not in shown.text.replace('<script src="', "").replace('<script type="module"', "")


def test_the_last_run_is_told_with_its_result(operator: Client, tmp_path: Path) -> None:
    deploy_declared(tmp_path, HOURLY)
    now = timezone.now()
    seed = make_due("hourly", now - timedelta(minutes=1))
    journal, spec, run = SqlJournal.for_current_connection(), find_cron("hourly").spec, make_execution_id(5)
    commit(journal, make_submit(run, make_created()))
    lock = make_locked(make_holder(), until=now + timedelta(minutes=1), component_id=spec.id)
    lockable = make_lockable(component_id=spec.id, ffqns=(spec.ffqn,))
    journal.commit([], now=now, lock=LockRequest(now=now, choices=((lockable, lock),), limit=1))
    scheduled = Scheduled(execution_id=run, schedule_at=Now(), target_ffqn=ADD, params_hash="", error=None)
    done = Unlocked(backoff_expires_at=now + timedelta(hours=1), reason="cron")
    commit(journal, make_append(seed, scheduled, done, expected=2, at=now))

    listed, shown = operator.get("/admin/schedules/").text, operator.get("/admin/schedules/hourly/")

    assert run in listed
    assert "Pending" in listed
    assert [each.execution_id for each in shown.context["schedule"].runs] == [run]


def test_pausing_and_going_on_take_a_reason_and_are_shown(operator: Client, seed: ExecutionId) -> None:
    for key, word in (("pause", "Paused"), ("unpause", "Active")):
        answer = operator.post(f"/admin/schedules/hourly/do/{key}/", open_form(operator, key))
        assert answer.headers["Location"] == "/admin/schedules/hourly/"
        text = operator.get("/admin/schedules/hourly/").text
        assert word in text
        assert "a look" in text
        assert "user:operator" in text
    assert list(OperationRecord.objects.values_list("operation", flat=True)) == ["pause", "unpause"]


def test_a_second_click_leaves_no_second_tick_out(operator: Client, seed: ExecutionId) -> None:
    form = open_form(operator, "skip")
    first = find_cron("hourly").next_at
    assert first is not None

    answers = [operator.post("/admin/schedules/hourly/do/skip/", form).status_code for _ in range(2)]

    assert answers == [302, 409]
    assert find_cron("hourly").next_at == find_cron("hourly").spec.schedule.next_after(first)


def test_a_second_click_starts_nothing_twice(operator: Client, seed: ExecutionId) -> None:
    form = open_form(operator, "trigger")

    for _ in range(2):
        answer = operator.post("/admin/schedules/hourly/do/trigger/", form)
        assert answer.headers["Location"] == f"/admin/executions/{form['execution_id']}/"

    assert Execution.objects.filter(ffqn=ADD).count() == 1
    assert OperationRecord.objects.get().detail == form["execution_id"]


def test_what_is_not_possible_says_why(operator: Client, tmp_path: Path) -> None:
    deploy_declared(tmp_path, HOURLY)

    text = operator.get("/admin/schedules/hourly/").text
    refused = operator.post("/admin/schedules/hourly/do/pause/", open_form(operator, "pause"))

    assert "No executor has taken it up yet." in text
    assert refused.status_code == 422
    assert not OperationRecord.objects.exists()


def test_what_was_submitted_for_later_is_due_soon(operator: Client, seed: ExecutionId) -> None:
    in_a_day = {"in": {"days": 1}}
    later = submit("test:adder-obelisk-schedule/api.add-schedule", [in_a_day, 1, []])

    text = operator.get("/admin/schedules/").text

    assert later.execution_id in text
    assert "All scheduled executions" in text


@pytest.mark.parametrize("role", ROLES)
def test_who_may(client_of: Callable[[str], Client], seed: ExecutionId, role: str) -> None:
    browser = client_of(role)
    scopes = rights_of(role)
    pages = [browser.get(f"/admin/schedules/{path}").status_code for path in ("", "hourly/")]
    tried = {
        key: browser.post(f"/admin/schedules/hourly/do/{key}/", {"seen": "another", "execution_id": "x"}).status_code
        for key in ACTIONS
    }

    if role == "anonymous":
        assert {*pages, *tried.values()} == {302}
        return
    assert set(pages) == ({200} if Scope.READ in scopes else {403})
    for key, status in tried.items():
        assert status in ((409, 422) if ACTIONS[key].scope in scopes else (403,)), key
    assert not OperationRecord.objects.exists()
    if Scope.READ in scopes:
        assert ("/do/pause/" in browser.get("/admin/schedules/").text) == (Scope.OPERATE in scopes)


def test_rows_change_when_a_schedule_does_and_not_before(seed: ExecutionId) -> None:
    topic = SchedulesTopic(Sub(topic="schedules", keys=["hourly"]))
    first = topic.read({}, hidden=False)
    assert first is not None
    assert topic.read(first.cursor, hidden=False) is None
    pause_cron("hourly")

    update = topic.read(first.cursor, hidden=False)

    assert update is not None
    assert [(row.into, row.key) for row in update.rows] == [("schedules", "hourly")]
    assert "Paused" in update.rows[0].html
    assert "/do/" not in update.rows[0].html, "frames are for everybody"


def test_another_deployment_is_told_of(seed: ExecutionId, tmp_path: Path) -> None:
    topic = SchedulesTopic(Sub(topic="schedules", keys=["hourly"]))
    deploy_declared(tmp_path, HOURLY.replace("hourly", "often", 1))

    update = topic.read({}, hidden=False)

    assert update is not None
    assert "Another deployment is active" in update.regions["other-schedules"]


def test_the_page_of_one_follows_it_until_it_is_gone(seed: ExecutionId, tmp_path: Path) -> None:
    topic = ScheduleTopic(Sub(topic="schedule", subject="hourly"))
    first = topic.read({}, hidden=False)
    assert first is not None
    assert topic.read(first.cursor, hidden=False) is None
    pause_cron("hourly")
    paused = topic.read(first.cursor, hidden=False)
    assert paused is not None
    assert "Paused" in paused.regions["schedule"]
    unpause_cron("hourly")
    deploy_declared(tmp_path)

    gone = topic.read(paused.cursor, hidden=False)

    assert gone is not None
    assert gone.final
