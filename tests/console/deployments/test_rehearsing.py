"""Rehearsals from their page; the reports' rows stand for runs, which `executions.rehearsal` tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from components.models import Deployment
from components.services import prepare, store_inactive
from console.live.messages import Sub
from console.live.rehearsal_topic import RehearsalTopic
from executions.models import RehearsalReport, RehearsalStatus
from tests.builders import make_execution_id
from tests.components_app.builders import write_deployment
from tests.executions.deployments import declared
from tests.harness.eventually import eventually

CAUSE = {
    "ffqn": "a:b/c.f",
    "version": 41,
    "error": "expected <b>one</b>, got another",
    "consequence": "it would wait",
    "count": 1200,
    "executions": [make_execution_id(1)],
}


@pytest.fixture
def deployment(tmp_path: Path, db: None) -> Deployment:
    return store_inactive(prepare(write_deployment(tmp_path, declared("test:a/b.f"))))[0]


def report_of(deployment: Deployment, *, age: timedelta = timedelta(), **fields: object) -> RehearsalReport:
    then = timezone.now() - age
    return RehearsalReport.objects.create(
        **{
            "deployment_id": deployment.pk,
            "actor": "user:ann",
            "started_at": then,
            "seen_at": then,
            "total": 1902,
            "compatible": 702,
            "diverging": 1200,
            "causes": [CAUSE],
            **fields,
        }
    )


def page_of(client: Client, deployment: Deployment) -> str:
    return str(client.get(f"/admin/deployments/{deployment.pk}/rehearsal/").text)


def test_the_report_is_by_cause_with_the_executions(operator: Client, deployment: Deployment) -> None:
    report_of(deployment, status=RehearsalStatus.DONE, functions_gone={"x:y/z.g": 3})

    page = page_of(operator, deployment)

    assert "1,902 of 1,902 unfinished workflows" in page
    assert "✕ 1,200</span> of a:b/c.f at event 41" in page
    assert "expected &lt;b&gt;one&lt;/b&gt;, got another" in page
    assert f"/admin/executions/{make_execution_id(1)}/events/?version=41#event-41" in page
    assert "3 executions of x:y/z.g would wait" in page
    assert "data-final" in page


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (RehearsalStatus.RUNNING, "Under way"),
        (RehearsalStatus.STOPPED, "Stopped"),
        (RehearsalStatus.FAILED, "Failed"),
    ],
)
def test_how_it_stands_is_said(operator: Client, deployment: Deployment, status: RehearsalStatus, words: str) -> None:
    report_of(deployment, status=status, problem="it <broke>" if status is RehearsalStatus.FAILED else "")

    page = page_of(operator, deployment)

    assert f">{words}</strong>" in page
    assert ("it &lt;broke&gt;" in page) == (status is RehearsalStatus.FAILED)


def test_one_whose_process_is_gone_says_so(operator: Client, deployment: Deployment) -> None:
    report_of(deployment, age=timedelta(minutes=2))

    assert "Ended without a word" in page_of(operator, deployment)


def test_before_the_first_one_the_page_says_so(operator: Client, deployment: Deployment) -> None:
    assert "It was never rehearsed. People who may deploy can do so." in page_of(operator, deployment)


@pytest.mark.django_db(transaction=True)
def test_a_deployer_begins_one_and_another_waits(client_of: Callable[[str], Client], deployment: Deployment) -> None:
    deployer = client_of("deployer")

    deployer.post(f"/admin/deployments/{deployment.pk}/rehearsal/start/")

    report = RehearsalReport.objects.get()
    assert report.actor == "user:deployer"
    eventually(lambda: RehearsalReport.objects.get().status == RehearsalStatus.DONE)
    RehearsalReport.objects.update(status=RehearsalStatus.RUNNING)
    answer = deployer.post(f"/admin/deployments/{deployment.pk}/rehearsal/start/", follow=True)
    assert "another rehearsal is under way" in answer.text
    deployer.post(f"/admin/deployments/{deployment.pk}/rehearsal/stop/")
    assert RehearsalReport.objects.get().stop_wanted


def test_the_page_is_told_what_is_new_until_the_end(deployment: Deployment) -> None:
    report = report_of(deployment, compatible=1)
    topic = RehearsalTopic(Sub(topic="rehearsal", subject=str(report.pk)))

    first = topic.read({}, hidden=False)
    assert first is not None
    assert "1,201 of 1,902" in first.regions["report"]
    assert not first.final
    assert topic.read(first.cursor, hidden=False) is None

    RehearsalReport.objects.update(status=RehearsalStatus.DONE, seen_at=timezone.now(), compatible=702)
    last = topic.read(first.cursor, hidden=False)
    assert last is not None
    assert "1,902 of 1,902" in last.regions["report"]
    assert last.final


@pytest.mark.parametrize("subject", ["", "x", "-1", "9" * 30])
def test_a_subscription_that_makes_no_sense_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="no rehearsal"):
        RehearsalTopic(Sub(topic="rehearsal", subject=subject))
