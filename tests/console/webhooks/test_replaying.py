"""Having deliveries answered once more, by a real component."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from executions.models import OperationRecord
from tests.console.webhooks.conftest import VERIFY
from tests.harness.asgi_client import request
from tests.harness.eventually import eventually
from tests.webhooks.conftest import elsewhere
from tests.webhooks.sites import ROUTES, deploy_doorman
from webhooks.application import WebhookApplication
from webhooks.host import webhook_host
from webhooks.models import Delivery

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("endpoint")]

Deliver = Callable[[str], Delivery]


@pytest.fixture
def deliver() -> Deliver:
    """Sends a signed request, and returns what is kept of it."""
    application = WebhookApplication(elsewhere)

    def send(op: str) -> Delivery:
        signature = hmac.new(b"hush", b"hello", hashlib.sha256).hexdigest()
        headers = [("x-hub-signature-256", f"sha256={signature}"), ("x-github-delivery", f"d-{op}")]
        request(application, "POST", f"/hooks/do/{op}", headers=headers, body=b"hello")
        return Delivery.objects.get(delivery_id=f"d-{op}")

    return send


def form_of(browser: Client, delivery: Delivery) -> dict[str, str]:
    form = browser.get(f"/admin/webhooks/delivery/{delivery.pk}/replay/").context["form"]
    return {"seen": form["seen"].value(), "against": form["against"].value(), "reason": "the bug is mended"}


def test_a_replay_is_a_delivery_of_its_own_with_who_and_why(operator: Client, deliver: Deliver) -> None:
    delivery = deliver("length")

    answer = operator.post(f"/admin/webhooks/delivery/{delivery.pk}/replay/", form_of(operator, delivery))

    again = Delivery.objects.get(replay_of=delivery)
    assert answer.headers["Location"] == f"/admin/webhooks/delivery/{again.pk}/"
    assert bytes(again.response_body) == b"5"
    record = OperationRecord.objects.get()
    assert (record.execution_id, record.operation, record.detail) == (
        again.execution_id,
        "replay_delivery",
        f"delivery {delivery.pk}",
    )
    assert (record.actor, record.reason) == ("user:operator", "the bug is mended")
    shown = operator.get(f"/admin/webhooks/delivery/{again.pk}/").text
    assert "A replay of" in shown
    assert "the bug is mended" in shown
    assert "the bug is mended" in operator.get(f"/admin/webhooks/delivery/{delivery.pk}/").text
    assert "the bug is mended" in operator.get(f"/admin/executions/{again.execution_id}/").text


def test_the_present_component_answers_or_the_one_that_did(operator: Client, deliver: Deliver, endpoint: Path) -> None:
    delivery = deliver("describe")
    before = webhook_host().services.registry.deployment.id
    deploy_doorman(endpoint, ROUTES + VERIFY + 'env_vars = [{ key = "NEW", value = "1" }]\n')
    eventually(lambda: webhook_host().services.registry.deployment.id != before)

    form = form_of(operator, delivery)
    operator.post(f"/admin/webhooks/delivery/{delivery.pk}/replay/", form)
    operator.post(f"/admin/webhooks/delivery/{delivery.pk}/replay/", {**form, "against": "as_delivered"})

    replays = Delivery.objects.filter(replay_of=delivery).order_by("pk")
    assert [b"NEW" in bytes(each.response_body) for each in replays] == [True, False]


def test_a_form_from_before_another_deployment_is_shown_again(
    operator: Client, deliver: Deliver, endpoint: Path
) -> None:
    delivery = deliver("length")
    form = form_of(operator, delivery)
    deploy_doorman(endpoint, ROUTES + VERIFY + 'env_vars = [{ key = "NEW", value = "1" }]\n')

    answer = operator.post(f"/admin/webhooks/delivery/{delivery.pk}/replay/", form)

    assert answer.status_code == 409
    assert "Meanwhile it has changed" in answer.text
    assert "the bug is mended" in answer.text
    assert Delivery.objects.count() == 1
