"""Rehearsals from their page; the reports' rows stand for runs, which `executions.rehearsal` tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from components.models import Deployment
from components.services import deploy, prepare, store_inactive
from console.live.messages import Sub
from console.live.rehearsal_topic import RehearsalTopic
from engine.log.ids import ExecutionId
from executions.component_versions import registry_of
from executions.models import Execution, OperationRecord, RehearsalReport, RehearsalStatus
from executions.operations.excluding import version_for
from executions.operations.submitting import submit
from tests.builders import make_execution_id
from tests.components_app.builders import write_deployment
from tests.executions.deployments import declared
from tests.executions.scripts import SLEEP_AND_SUM, SUM, write_scripts
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


@pytest.fixture
def waiting(tmp_path: Path, db: None) -> list[ExecutionId]:
    """Two workflows of a deployment, and another deployment that has another version."""
    deploy(write_scripts(tmp_path))
    return [submit(SUM, [[1]]).execution_id for _ in range(2)]


def test_what_is_ticked_is_left_on_old_code_with_the_reason(
    client_of: Callable[[str], Client], waiting: list[ExecutionId], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = store_inactive(prepare(write_scripts(tmp_path / "other", SLEEP_AND_SUM)))[0]
    cause = {**CAUSE, "ffqn": SUM, "count": 2, "executions": waiting}
    report_of(other, status=RehearsalStatus.DONE, diverging=2, causes=[cause])
    operator = client_of("operator")
    page = page_of(operator, other)
    assert all(f'value="{each}" form="leave"' in page for each in waiting)

    path = f"/admin/deployments/{other.pk}/rehearsal/leave/"
    said = operator.post(path, {"selected": [waiting[0], "E_nonsense"], "reason": "half done"}, follow=True).text
    again = operator.post(path, {"selected": waiting[:1]}, follow=True).text
    nothing = operator.post(path, follow=True).text

    digest = version_for(SUM, registry_of(other))
    rows = dict(Execution.objects.values_list("execution_id", "incompatible_digest"))
    assert rows == {waiting[0]: digest, waiting[1]: None}
    record = OperationRecord.objects.get(operation="exclude")
    assert (record.actor, record.reason, record.detail) == ("user:operator", "half done", digest)
    assert "1 workflow left on old code." in said
    assert "is not a ULID" in said
    assert "that version does not run it anyway" in again
    assert "None was selected" in nothing
    activation = client_of("deployer").get(f"/admin/deployments/{other.pk}/activate/").text
    assert "1 unfinished workflow is not run by it" in activation


def test_who_may_only_look_has_nothing_to_leave_it_with(
    client_of: Callable[[str], Client], deployment: Deployment
) -> None:
    report_of(deployment, status=RehearsalStatus.DONE)
    assert 'id="leave"' in page_of(client_of("operator"), deployment)
    assert 'id="leave"' not in page_of(client_of("viewer"), deployment)


def test_one_is_left_and_included_from_its_page(
    client_of: Callable[[str], Client], waiting: list[ExecutionId], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = store_inactive(prepare(write_scripts(tmp_path / "other", SLEEP_AND_SUM)))[0]
    operator = client_of("operator")
    path = f"/admin/executions/{waiting[0]}/do/"
    seen = {"seen": "Pending"}

    form = operator.get(f"{path}exclude/?deployment={other.pk}").text
    unknown = operator.post(f"{path}exclude/", {**seen, "deployment": "Dep_none"})
    left = operator.post(f"{path}exclude/", {**seen, "deployment": other.pk, "reason": "half done"}, follow=True).text
    included = operator.post(f"{path}include/", seen, follow=True).text

    assert f'value="{other.pk}"' in form
    assert (unknown.status_code, "Dep_none" in unknown.text) == (422, True)
    assert f"{other.pk} will not run it." in left
    assert "History and code part" not in left
    assert "Whatever is deployed may run it." in included
    assert [each.operation for each in OperationRecord.objects.order_by("pk")] == ["exclude", "include"]
