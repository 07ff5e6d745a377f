"""Signed requests: checked, answered once, kept."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from components.problems import DeploymentRefused
from engine.executor.webhook_execution import LEASE
from executions.models import Execution
from tests.harness.asgi_client import Reply, Server, exchange, request, scope_of
from tests.harness.eventually import eventually
from tests.webhooks.sites import ROUTES, deploy_doorman, events_of, requests_recorded
from webhooks.application import WebhookApplication
from webhooks.host import stop_webhook_host
from webhooks.models import Delivery, DeliveryState, RefusedRequest
from webhooks.reaping import fail_abandoned

pytestmark = pytest.mark.django_db(transaction=True)

VERIFY = 'verify = { provider = "github", secret = ["NEW", "OLD"] }\n'
SERVER = '[secrets]\nNEW = { env = "OUR_NEW" }\nOLD = { env = "OUR_OLD" }\n'

Send = Callable[..., Reply]


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "server.toml").write_text(SERVER)
    settings.OBELISK_SERVER_CONFIG = str(tmp_path / "server.toml")
    monkeypatch.setenv("OUR_NEW", "the new one")
    monkeypatch.setenv("OUR_OLD", "the old one")


def headers_for(body: bytes, delivery: str | None = "d-1", *, secret: str = "the new one") -> list[tuple[str, str]]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = [("x-hub-signature-256", f"sha256={signature}"), ("authorization", "Basic abc"), ("x-shown", "yes")]
    return headers if delivery is None else [*headers, ("x-github-delivery", delivery)]


@pytest.fixture
def send(application: WebhookApplication, tmp_path: Path) -> Send:
    """Sends a signed request to an endpoint."""
    deploy_doorman(tmp_path, ROUTES + VERIFY)

    def sign_and_send(
        op: str, body: bytes = b"hello", delivery: str | None = "d-1", *, secret: str = "the new one"
    ) -> Reply:
        headers = headers_for(body, delivery, secret=secret)
        return request(application, "POST", f"/hooks/do/{op}", headers=headers, body=body)

    return sign_and_send


def test_a_signed_request_is_answered_and_kept(send: Send) -> None:
    reply = send("length")

    delivery = Delivery.objects.get()
    (execution,) = requests_recorded()
    assert (reply.status, reply.text) == (200, "5")
    assert (delivery.endpoint, delivery.provider, delivery.delivery_id) == ("doorman", "github", "d-1")
    assert (delivery.state, delivery.status, bytes(delivery.response_body)) == ("answered", 200, b"5")
    assert (delivery.method, delivery.target, bytes(delivery.body)) == ("POST", "/do/length", b"hello")
    assert delivery.is_whole
    assert delivery.execution_id == execution.execution_id
    assert events_of(execution.execution_id) == ["Created", "Locked", "Finished"]


def test_headers_that_may_be_secret_are_not_kept(send: Send) -> None:
    send("length")

    names = [name for name, _ in Delivery.objects.get().headers]
    assert names == ["host", "x-shown", "x-github-delivery"]


def test_a_signature_is_not_kept_whatever_its_header_is_called(application: WebhookApplication, tmp_path: Path) -> None:
    deploy_doorman(tmp_path, ROUTES + 'verify = { provider = "hmac", secret = ["NEW"], header = "X-Seal" }\n')
    seal = hmac.new(b"the new one", b"hello", hashlib.sha256).hexdigest()

    reply = request(application, "POST", "/hooks/do/length", headers=[("x-seal", seal)], body=b"hello")

    assert reply.status == 200
    assert [name for name, _ in Delivery.objects.get().headers] == ["host"]


def test_an_endpoint_is_busy_until_its_thread_is_free(
    send: Send, application: WebhookApplication, tmp_path: Path
) -> None:
    deploy_doorman(tmp_path, ROUTES + VERIFY + "request = { concurrency = 1, timeout = { seconds = 4 } }\n")

    async def hang_up() -> None:
        # As the server does with an application that goes on long after its client went away.
        server = Server([b"hello"], lambda _data, _count: True)
        scope = scope_of("POST", "/hooks/do/spin", headers_for(b"hello"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(application(scope, server.receive, server.send), 1)

    asyncio.run(hang_up())

    assert send("hello", delivery="d-2").status == 503
    assert eventually(lambda: send("hello", delivery="d-2").status == 200)


def test_the_old_secret_of_a_rotation_still_counts(send: Send) -> None:
    assert send("length", secret="the old one").status == 200


def test_a_request_that_nobody_signed_reaches_no_component(send: Send, application: WebhookApplication) -> None:
    forged = send("length", secret="another")
    bare = request(
        application, "POST", "/hooks/do/length", body=b"hello", headers=[("accept", "application/problem+json")]
    )

    assert forged.status == 401
    assert json.loads(bare.text)["code"] == "signature_refused"
    assert not Delivery.objects.exists()
    assert not Execution.objects.exists()


def test_what_is_refused_is_kept_without_what_it_held(send: Send) -> None:
    send("length?token=hush", secret="another")
    send("length?token=hush", secret="another")
    send("other", body=b"hush", secret="another")
    stop_webhook_host()

    alike, other = RefusedRequest.objects.order_by("pk")
    assert (alike.endpoint, alike.provider, alike.method, alike.path) == ("doorman", "github", "POST", "/do/length")
    assert (alike.status, alike.code, alike.count) == (401, "signature_refused", 2)
    assert "not that of this body" in alike.reason
    assert (other.path, other.count) == ("/do/other", 1)


def test_a_body_that_is_too_large_is_refused(send: Send, settings: Settings, tmp_path: Path) -> None:
    deploy_doorman(tmp_path, ROUTES + VERIFY + "request = { body_bytes = 4 }\n")

    assert eventually(lambda: send("length").status == 413)
    stop_webhook_host()
    assert set(RefusedRequest.objects.values_list("code", "status")) == {("body_too_large", 413)}


def test_a_redelivery_has_the_first_answer(send: Send) -> None:
    first, second, other = send("id"), send("id"), send("id", delivery="d-2")

    assert first.text == second.text != other.text
    assert second.header("content-type") == "text/plain"
    assert [execution.execution_id for execution in requests_recorded()] == [first.text, other.text]


def test_a_delivery_that_failed_is_tried_again(send: Send) -> None:
    assert send("panic").status == 500
    failed = Delivery.objects.get()
    assert (failed.state, failed.status) == (DeliveryState.FAILED, 500)
    assert "unreachable" in (failed.failure or "")

    assert send("hello").text == "hello"
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.ANSWERED, 2)
    assert delivery.execution_id != failed.execution_id


def test_a_delivery_that_cannot_be_recorded_can_be_sent_again(send: Send) -> None:
    send("hello", delivery="d-0")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE webhooks_delivery RENAME TO elsewhere")
    try:
        refused = send("hello")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO webhooks_delivery")

    assert (refused.status, refused.text) == (503, "the request cannot be recorded now")
    assert send("hello").text == "hello"


def test_requests_without_an_id_are_all_answered(send: Send) -> None:
    assert send("id", delivery=None).text != send("id", delivery=None).text
    assert Delivery.objects.count() == 2


def test_the_same_delivery_at_the_same_time_waits_for_the_answer(
    send: Send, application: WebhookApplication, tmp_path: Path
) -> None:
    later: list[Reply] = []
    other = Thread(target=lambda: later.append(send("flood")))

    def on_chunk(_data: bytes, count: int) -> bool:
        if count == 1:
            other.start()
        return count < 3

    deploy_doorman(tmp_path, ROUTES + VERIFY + "request = { timeout = { seconds = 1 } }\n")
    eventually(lambda: send("hello", delivery="d-0").status == 200)
    exchange(application, "POST", "/hooks/do/flood", headers=headers_for(b"hello"), body=b"hello", on_chunk=on_chunk)
    other.join()

    # The first one broke off, so the other one was tried.
    delivery = Delivery.objects.get(delivery_id="d-1")
    assert (delivery.attempts, delivery.state) == (2, DeliveryState.FAILED)


def test_a_client_that_does_not_wait_changes_nothing(
    send: Send, application: WebhookApplication, tmp_path: Path
) -> None:
    headers = headers_for(b"hello")

    exchange(application, "POST", "/hooks/do/hello", headers=headers, body=b"hello", gone_after_s=0.0)

    assert eventually(lambda: Delivery.objects.get().state == DeliveryState.ANSWERED)
    assert send("hello").text == "hello"


def test_only_so_much_of_a_body_is_kept(send: Send, settings: Settings) -> None:
    settings.OBELISK_DELIVERY_BYTES = 10

    reply = send("echo", b"a longer body")

    delivery = Delivery.objects.get()
    assert reply.text == "a longer body"
    assert (bytes(delivery.body), delivery.body_size, delivery.is_whole) == (b"a longer b", 13, False)
    assert (bytes(delivery.response_body), delivery.response_size) == (b"a longer b", 13)
    assert send("echo", b"a longer body").body == b""


def test_a_delivery_whose_process_died_can_be_tried_again(send: Send) -> None:
    send("hello")
    Delivery.objects.update(state=DeliveryState.RUNNING, status=None, started_at=timezone.now() - timedelta(hours=1))

    assert fail_abandoned(timezone.now()) == 0, "its answer may be on its way into the table: it would be run twice"
    assert fail_abandoned(timezone.now() + 3 * LEASE) == 1
    assert send("hello").text == "hello"
    assert Delivery.objects.get().attempts == 2


def test_a_secret_that_nobody_declared_is_refused_at_deploy(tmp_path: Path) -> None:
    with pytest.raises(DeploymentRefused, match="declares no secret MISSING"):
        deploy_doorman(tmp_path, ROUTES + 'verify = { provider = "github", secret = "MISSING" }\n')
