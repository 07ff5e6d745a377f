"""Deliveries through the API."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from executions.models import Execution, OperationRecord
from tests.harness.asgi_client import request
from tests.webhooks.sites import ROUTES, deploy_doorman
from webhooks.application import WebhookApplication
from webhooks.models import Delivery, DeliveryState

pytestmark = pytest.mark.django_db(transaction=True)

VERIFY = 'verify = { provider = "github", secret = "HOOK" }\n'


@pytest.fixture(autouse=True)
def endpoint(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "server.toml").write_text('[secrets]\nHOOK = { env = "OUR_HOOK" }\n')
    settings.OBELISK_SERVER_CONFIG = str(tmp_path / "server.toml")
    monkeypatch.setenv("OUR_HOOK", "hush")
    deploy_doorman(tmp_path, ROUTES + VERIFY)


@pytest.fixture
def operator(client: Client) -> Client:
    """A person who may see and do everything."""
    client.force_login(User.objects.create_superuser("ann"))
    return client


def deliver(application: WebhookApplication, op: str, body: bytes = b"hello", delivery: str = "d-1") -> Delivery:
    signature = hmac.new(b"hush", body, hashlib.sha256).hexdigest()
    headers = [("x-hub-signature-256", f"sha256={signature}"), ("x-github-delivery", delivery), ("x-shown", "yes")]
    request(application, "POST", f"/hooks/do/{op}?a=1", headers=headers, body=body)
    return Delivery.objects.get(delivery_id=delivery)


def test_deliveries_are_listed_newest_first(application: WebhookApplication, operator: Client) -> None:
    first, second = deliver(application, "length"), deliver(application, "panic", delivery="d-2")

    everything = operator.get("/v1/webhooks/deliveries").json()
    failed = operator.get("/v1/webhooks/deliveries", {"state": "failed", "endpoint": "doorman"}).json()
    page = operator.get("/v1/webhooks/deliveries", {"cursor": second.pk, "length": 1}).json()

    assert [item["id"] for item in everything] == [second.pk, first.pk]
    assert [item["delivery_id"] for item in failed] == ["d-2"]
    assert [item["id"] for item in page] == [first.pk]
    assert everything[1]["status"] == 200


def test_a_delivery_is_shown_whole(application: WebhookApplication, operator: Client) -> None:
    delivery = deliver(application, "length")

    shown = operator.get(f"/v1/webhooks/deliveries/{delivery.pk}").json()

    assert shown["body"] == {"text": "hello", "size": 5, "is_whole": True}
    assert shown["response"]["body"]["text"] == "5"
    assert ["x-shown", "yes"] in shown["headers"]


def test_a_replay_is_answered_by_what_is_deployed_now(application: WebhookApplication, operator: Client) -> None:
    delivery = deliver(application, "describe")

    answer = operator.post(f"/v1/webhooks/deliveries/{delivery.pk}/replay?reason=mended")

    again = answer.json()
    assert answer.status_code == 201
    assert (again["replay_of"], again["delivery_id"], again["state"]) == (delivery.pk, None, "answered")
    assert again["response"]["body"]["text"] == bytes(delivery.response_body).decode()
    assert "POST http obelisk.test /do/describe?a=1" in again["response"]["body"]["text"]
    assert again["execution_id"] != delivery.execution_id
    record = OperationRecord.objects.get(execution_id=again["execution_id"])
    assert (record.operation, record.actor, record.reason) == ("replay_delivery", "user:ann", "mended")


def test_a_replay_can_be_answered_by_the_version_that_answered_it(
    application: WebhookApplication, operator: Client
) -> None:
    delivery = deliver(application, "length")
    path = f"/v1/webhooks/deliveries/{delivery.pk}/replay?against=as_delivered"

    assert operator.post(path).json()["response"]["body"]["text"] == "5"

    Execution.objects.filter(pk=delivery.execution_id).update(component_digest="sha256:gone")
    assert "is not kept" in operator.post(path).json()["err"]


def test_what_cannot_be_replayed_is_refused(
    application: WebhookApplication, operator: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.OBELISK_DELIVERY_BYTES = 2
    delivery = deliver(application, "length")

    refused = operator.post(f"/v1/webhooks/deliveries/{delivery.pk}/replay")
    unknown = operator.post("/v1/webhooks/deliveries/999/replay")

    assert refused.status_code == 409
    assert "of which 2 were kept" in refused.json()["err"]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "delivery_not_found")

    Delivery.objects.update(body_size=2, target="/gone")
    gone = operator.post(f"/v1/webhooks/deliveries/{delivery.pk}/replay")
    assert "no route of doorman takes POST /gone now" in gone.json()["err"]

    Delivery.objects.update(state=DeliveryState.RUNNING)
    assert operator.post(f"/v1/webhooks/deliveries/{delivery.pk}/replay").status_code == 409


def test_nobody_else_sees_them(application: WebhookApplication, client: Client) -> None:
    delivery = deliver(application, "length")
    for path in ("", f"/{delivery.pk}"):
        assert client.get(f"/v1/webhooks/deliveries{path}").status_code in (401, 403)
    assert client.post(f"/v1/webhooks/deliveries/{delivery.pk}/replay").status_code in (401, 403)
    client.force_login(User.objects.create_user("bob"))
    assert client.get("/v1/webhooks/deliveries").status_code == 403


@pytest.mark.parametrize("query", [{"length": "many"}, {"cursor": "-1"}, {"state": "odd"}])
def test_a_wrong_parameter_is_refused(operator: Client, query: dict[str, str]) -> None:
    refused = operator.get("/v1/webhooks/deliveries", query)

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter")
