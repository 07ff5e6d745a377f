"""Where workflows and their histories part, and what is offered there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from components.models import Deployment
from components.services import deploy, prepare, store_inactive
from engine.log.ids import DelayId, ExecutionId
from engine.log.state import Status
from engine.replay.outcomes import Parting
from executions.journal.journal import SqlJournal
from executions.models import CallSites, Event, Execution, OperationRecord
from executions.operations.comparing import compare
from executions.operations.delays import cancel_delay
from executions.operations.upgrading import upgrade
from executions.rehearsal.background import start_rehearsal
from executions.testing import DeployedApp, deployed
from tests.console.debugger.flows import CLIMB, PYTHON, TRIP, climbing, ended, line_of, write_trips
from tests.executions.scripts import SLEEP_AND_SUM, SUM, SUM_UP, write_scripts
from tests.harness.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)

OTHERWISE = PYTHON.replace("references.append(book(city))", "ask(city)")
SHORTER = PYTHON.replace("for city in cities:\n        ask(city)\n    ", "")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[DeployedApp]:
    with deployed(write_trips(tmp_path)) as deployed_app:
        yield deployed_app


@pytest.fixture
def waiting(app: DeployedApp) -> ExecutionId:
    """A workflow that booked Rome and waits for the first approval; its executor has ended when tests begin."""
    target = app.submit(TRIP, ["Rome"])
    journal = SqlJournal.for_current_connection()
    eventually(lambda: Execution.objects.filter(pk=f"{target}.o:2-approve_1").exists())
    eventually(lambda: journal.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)
    return target


def stored(folder: Path, source: str) -> Deployment:
    return store_inactive(prepare(write_trips(folder, source)))[0]


def first_call(target: ExecutionId) -> int:
    """Return the version of the first event of its history, which comes after one lock or several."""
    return Event.objects.filter(execution_id=target, variant="history_event").order_by("version")[0].version


def page_of(browser: Client, target: ExecutionId, query: str = "") -> str:
    response = browser.get(f"/admin/executions/{target}/debug/compare/{query}")
    assert response.status_code == 200, response.content
    return str(response.text)


def lines_of(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'aria-current="location"><td [^>]*><span>(\d+)<', html)]


def test_both_sides_are_shown_with_their_lines(operator: Client, waiting: ExecutionId, tmp_path: Path) -> None:
    other = stored(tmp_path, OTHERWISE)
    first = first_call(waiting)
    eventually(lambda: CallSites.objects.filter(execution_id=waiting).exists())

    html = page_of(operator, waiting, f"?deployment={other.pk}")

    assert f"They part at event {first}." in html
    assert lines_of(html) == [line_of("references.append(book(city))"), line_of("return approve(place)", OTHERWISE)]
    assert "o:1-book" in html
    assert "o:1-approve" in html
    assert f"/admin/executions/{waiting}/debug/?v={first}" in html
    assert f"/admin/executions/{waiting}/do/fork/?version={first - 1}" in html


def test_code_that_ends_where_history_goes_on(operator: Client, waiting: ExecutionId, tmp_path: Path) -> None:
    other = stored(tmp_path, SHORTER)

    html = page_of(operator, waiting, f"?deployment={other.pk}")

    assert "The code ended, where its history goes on." in html
    assert "Nothing more: the function has returned." in html


def test_javascript_says_where_it_parts(operator: Client, tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path)) as app:
        target = ended(app, SUM, [1])
    other = store_inactive(prepare(write_scripts(tmp_path, SLEEP_AND_SUM)))[0]

    html = page_of(operator, target, f"?deployment={other.pk}")

    calls = [line_of("add(total, number)", SUM_UP.lstrip()), line_of("obelisk.sleep", SLEEP_AND_SUM.lstrip())]
    assert lines_of(html) == calls


def test_code_that_follows_its_history(operator: Client, app: DeployedApp, waiting: ExecutionId) -> None:
    assert "It follows its history" in page_of(operator, waiting)


def test_a_compiled_workflow_is_compared_without_lines(tmp_path: Path) -> None:
    with climbing(tmp_path) as app:
        target = ended(app, CLIMB, [1])
    first = first_call(target)
    Event.objects.filter(execution_id=target, version=first).update(
        payload='{"history_event":{"event":{"type":"join_set_create","join_set_id":"n:other"}}}'
    )

    outcome = compare(target).outcome

    assert isinstance(outcome, Parting)
    assert (outcome.version, outcome.stack) == (first, None)


def test_what_cannot_be_compared_says_why(operator: Client, app: DeployedApp, waiting: ExecutionId) -> None:
    assert "there is no deployment Dep_nonsense." in page_of(operator, waiting, "?deployment=Dep_nonsense")
    assert "It is no workflow" in page_of(operator, ExecutionId(f"{waiting}.o:1-book_1"))


def test_a_refused_upgrade_leads_to_the_comparison(operator: Client, waiting: ExecutionId, tmp_path: Path) -> None:
    digest = Execution.objects.get(pk=waiting).component_digest
    other = deploy(write_trips(tmp_path, OTHERWISE)).deployment

    response = operator.post(f"/admin/executions/{waiting}/do/upgrade/", {"seen": "Blocked"})

    assert "It was not upgraded. Replay failed:" in response.text
    assert f"/admin/executions/{waiting}/debug/compare/?deployment={other.pk}" in response.text
    assert Execution.objects.get(pk=waiting).component_digest == digest
    assert not OperationRecord.objects.exists()


def test_one_that_ended_so_offers_both_ways_on(operator: Client, tmp_path: Path) -> None:
    with deployed(write_scripts(tmp_path, SLEEP_AND_SUM)) as app:
        target = app.submit(SUM, [1])
        journal = SqlJournal.for_current_connection()
        eventually(lambda: journal.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)
    with deployed(write_scripts(tmp_path, SUM_UP)) as app:
        new = Deployment.objects.get(status="active").components.get(functions__ffqn=SUM).digest
        upgrade(target, journal.state_of(target).component_id.digest, new, skip_determinism_check=True)
        for delay in Execution.objects.get(pk=target).delays.all():
            cancel_delay(DelayId(delay.delay_id))
        app.result(target)

    html = operator.get(f"/admin/executions/{target}/").text

    first = first_call(target)
    assert f"History and code part at event {first}." in html
    assert f'href="/admin/executions/{target}/debug/compare/"' in html
    assert f'href="/admin/executions/{target}/do/fork/?version={first - 1}"' in html
    assert f"They part at event {first}." in page_of(operator, target)


def test_a_rehearsal_leads_to_the_comparison(operator: Client, waiting: ExecutionId, tmp_path: Path) -> None:
    other = stored(tmp_path, OTHERWISE)
    start_rehearsal(other, actor="user:ann")

    def report() -> str:
        return str(operator.get(f"/admin/deployments/{other.pk}/rehearsal/").text)

    eventually(lambda: "Done" in report())
    assert f"/admin/executions/{waiting}/debug/compare/?deployment={other.pk}" in report()
    assert f"/admin/executions/{waiting}/do/fork/?version={first_call(waiting) - 1}" in report()
