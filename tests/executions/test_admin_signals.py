"""Sending signals in the admin, to a workflow that a real executor runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from components.models import Deployment, DeploymentStatus
from engine.log.ids import ExecutionId
from executions.models import Mail, OperationRecord
from executions.operations.submitting import submit
from executions.testing import DeployedApp, deployed
from tests.executions.scripts import ADD, ASK, SUM, write_scripts

pytestmark = pytest.mark.django_db(transaction=True)

ASK_ONCE = """
import { ask } from 'test:js/human';
export default function sum(numbers) {
  return ask();
}
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[DeployedApp]:
    with deployed(write_scripts(tmp_path, ASK_ONCE)) as deployed_app:
        yield deployed_app


@pytest.fixture
def target(app: DeployedApp) -> ExecutionId:
    """A workflow that waits to go on, so that tests decide what it finds."""
    return submit(SUM, [[]], paused=True).execution_id


def page_of(execution_id: str, page: str = "signal") -> str:
    return f"/admin/executions/execution/{execution_id}/{page}/"


def person(*codenames: str) -> Client:
    user = User.objects.create_user("ann", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, execution_id: str, **fields: str) -> Any:
    return client.post(page_of(execution_id), {"name": ASK, "payload": "3", **fields}, follow=True)


def test_somebody_who_may_operate_gives_a_workflow_what_it_waits_for(app: DeployedApp) -> None:
    target = app.submit(SUM, [])
    client = person("api_operate", "view_execution")

    page = client.get(page_of(target, "change")).text
    form = client.get(page_of(target)).text
    sent = send(client, target, signal_id="payment-1", reason="they phoned")

    assert f'href="{page_of(target.replace("_", "_5F"))}">Send a signal</a>' in page
    assert f'<option value="{ASK}">{ASK}: result&lt;u32' in form
    assert sent.redirect_chain == [(page_of(target.replace("_", "_5F"), "change"), 302)]
    assert "The signal was sent." in sent.text
    assert app.result(target) == {"ok": 3}
    (record,) = OperationRecord.objects.all()
    assert (record.execution_id, record.operation, record.detail, record.actor, record.reason) == (
        target,
        "signal",
        ASK,
        "user:ann",
        "they phoned",
    )


def test_the_same_signal_id_changes_nothing_and_says_so(admin_client: Client, target: ExecutionId) -> None:
    send(admin_client, target, signal_id="payment-1")
    again = send(admin_client, target, signal_id="payment-1")

    assert "A signal of this id was sent before; nothing has changed." in again.text
    assert (Mail.objects.count(), OperationRecord.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"payload": "{"}, "The payload is no JSON: "),
        ({"payload": '"three"'}, "expected u32"),
        ({"payload": ""}, "expected u32"),
        ({"name": ADD}, "Select a valid choice."),
        ({"name": ""}, "This field is required."),
        ({"signal_id": "x" * 257}, "a signal id has 1 to 256 characters"),
        ({"signal_id": "\0"}, "Null characters are not allowed."),
        ({"reason": "x" * 501}, "at most 500 characters"),
    ],
)
def test_wrong_input_keeps_the_form_and_says_why(
    admin_client: Client, target: ExecutionId, fields: dict[str, str], problem: str
) -> None:
    answer = send(admin_client, target, **{"reason": "because", **fields})

    assert answer.status_code == 422
    assert problem in answer.text
    assert (fields.get("reason") or 'value="because"') in answer.text
    assert not Mail.objects.exists()
    assert not OperationRecord.objects.exists()


@pytest.mark.parametrize("codenames", [("view_execution",), ("api_operate",), ("view_execution", "api_submit")])
def test_nobody_else_may(target: ExecutionId, codenames: tuple[str, ...]) -> None:
    client = person(*codenames)

    assert "Send a signal" not in client.get(page_of(target, "change")).text
    assert client.get(page_of(target)).status_code == 403
    assert send(client, target).status_code == 403
    assert not Mail.objects.exists()


def test_a_request_from_elsewhere_is_refused(target: ExecutionId, admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    assert send(client, target).status_code == 403
    assert client.get(page_of(target), {"name": ASK, "payload": "3"}).status_code == 200
    assert not Mail.objects.exists()


def test_who_is_not_logged_in_is_asked_to(target: ExecutionId) -> None:
    assert Client().get(page_of(target))["Location"].startswith("/admin/login/")


def test_only_unfinished_workflows_take_signals(app: DeployedApp, admin_client: Client) -> None:
    finished = app.submit(SUM, [])
    send(admin_client, finished)
    assert app.result(finished) == {"ok": 3}
    activity = app.submit(ADD, 1, 2)

    for each, problem in ((finished, f"{finished} has finished"), (activity, "which is no workflow")):
        assert "Send a signal" not in admin_client.get(page_of(each, "change")).text
        refused = send(admin_client, each)
        assert (refused.status_code, problem in refused.text) == (422, True)
    assert admin_client.get(page_of("E_01J00000000000000000009999")).status_code == 404


def test_a_site_without_signals_says_so(admin_client: Client, target: ExecutionId) -> None:
    Deployment.objects.update(status=DeploymentStatus.INACTIVE.value)

    shown, sent = admin_client.get(page_of(target)), send(admin_client, target)

    assert (shown.status_code, sent.status_code) == (200, 422)
    assert "no stub function is deployed" in shown.text
    assert "no stub function is deployed" in sent.text
