"""Signals that webhook endpoints send, in each language, to a workflow that a real executor runs."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.services import deploy
from engine.log.ids import ExecutionId
from executions.hosting import ExecutorHost
from executions.models import Execution, Mail
from executions.shortcuts import result, submit
from tests.components_app.builders import REPOSITORY, write_deployment
from tests.harness.asgi_client import Reply, request
from tests.harness.eventually import eventually
from tests.webhooks.sites import PROBE, lines_of, requests_recorded
from webhooks.application import WebhookApplication
from webhooks.deliveries import Asked
from webhooks.models import Delivery
from webhooks.replaying import replay

pytestmark = pytest.mark.django_db(transaction=True)

PAID = "acme:orders/signals.paid"
ORDERS = """
from dataclasses import dataclass

from obelisk import activity, signal, workflow

PACKAGE = "acme:orders"


@dataclass
class Payment:
    cents: int


@signal
def paid() -> Payment: ...


@activity
def add(a: int, b: int) -> int:
    return a + b


@workflow
def order() -> int:
    return add(paid().cents, paid().cents)
"""
PYTHON = """
from obelisk import Request, Response, SignalRefused, send_signal, webhook
from orders import Payment, paid


@webhook
def handle(request: Request) -> Response:
    event = request.json()
    signal, payload = paid, event["payload"]
    if "signal" in event:
        signal = event["signal"]
    elif isinstance(payload, dict):
        payload = Payment(**payload)
    try:
        answer = {"is_new": send_signal(event["id"], signal, payload, signal_id=event.get("signal_id"))}
    except SignalRefused as refused:
        answer = {"refused": refused.code, "message": str(refused)}
    return Response.json(answer)
"""
JAVASCRIPT = """
export default async function handle(request) {
  const event = await request.json();
  try {
    return Response.json({
      is_new: obelisk.sendSignal(event.id, event.signal ?? "paid", event.payload, event.signal_id),
    });
  } catch (error) {
    return Response.json({ refused: error.code, message: error.message });
  }
}
"""
TABLES = """
[[python]]
location = "orders.py"

[[webhook_endpoint_py]]
name = "python"
location = "desk.py"
files = ["orders.py"]
routes = ["/py"]

[[webhook_endpoint_js]]
name = "javascript"
location = "desk.js"
routes = ["/js"]

[[webhook_endpoint_wasm]]
name = "doorman"
location = "doorman.wasm"
routes = ["/do/:op/:id"]
"""
SIGNED_TABLES = """
[[python]]
location = "orders.py"

[[webhook_endpoint_js]]
name = "javascript"
location = "desk.js"
routes = ["/js"]
verify = { provider = "github", secret = "HOOK" }
"""


@pytest.fixture(autouse=True)
def deployed(tmp_path: Path) -> None:
    (tmp_path / "orders.py").write_text(ORDERS)
    (tmp_path / "desk.py").write_text(PYTHON)
    (tmp_path / "desk.js").write_text(JAVASCRIPT)
    components = REPOSITORY / "tests" / "components"
    files = {name: (components / name / f"{name}.wasm").read_bytes() for name in ("doorman", "probe")}
    deploy(write_deployment(tmp_path, TABLES + PROBE, **files))


@pytest.fixture
def executor(deployed: None) -> Iterator[None]:
    host = ExecutorHost()
    host.start()
    yield
    host.stop()


def order() -> ExecutionId:
    return submit("acme:orders/workflows.order").id


def tell(application: WebhookApplication, path: str, event: dict[str, Any]) -> Any:
    reply = request(application, "POST", f"/hooks/{path}", body=json.dumps(event).encode())
    assert reply.status == 200
    return json.loads(reply.text)


def tell_doorman(
    application: WebhookApplication, target: str, payload: str, *, signal: str = "paid", signal_id: str = ""
) -> Reply:
    headers = [("x-signal", signal), ("x-signal-id", signal_id)]
    return request(application, "POST", f"/hooks/do/signal/{target}", headers=headers, body=payload.encode())


@pytest.mark.usefixtures("executor")
@pytest.mark.parametrize("path", ["py", "js"])
def test_a_waiting_workflow_goes_on_with_what_a_handler_sends(application: WebhookApplication, path: str) -> None:
    target = order()

    first = tell(application, path, {"id": target, "payload": {"cents": 90}, "signal_id": "evt-1"})
    again = tell(application, path, {"id": target, "payload": {"cents": 90}, "signal_id": "evt-1"})
    second = tell(application, path, {"id": target, "signal": PAID, "payload": {"cents": 9}, "signal_id": "evt-2"})

    assert (first, again, second) == ({"is_new": True}, {"is_new": False}, {"is_new": True})
    assert result(target) == 99


@pytest.mark.usefixtures("executor")
def test_a_compiled_handler_sends_signals_through_an_interface_of_its_own(application: WebhookApplication) -> None:
    target = order()

    first = tell_doorman(application, target, '{"cents": 90}', signal_id="evt-1")
    again = tell_doorman(application, target, '{"cents": 90}', signal_id="evt-1")
    second = tell_doorman(application, target, '{"cents": 9}', signal=PAID)

    assert [first.text, again.text, second.text] == ["Ok(true)", "Ok(false)", "Ok(true)"]
    assert result(target) == 99


@pytest.mark.parametrize("path", ["py", "js"])
@pytest.mark.parametrize(
    ("wrong", "code", "message"),
    [
        ({"payload": "much"}, "type_check_error", ""),
        ({"payload": {"cents": 1}, "signal_id": "x" * 257}, "invalid_signal_id", "a signal id has 1 to 256 characters"),
        ({"payload": 1, "signal": "payed"}, "unknown_signal", "payed is no deployed stub function"),
        ({"payload": 1, "id": "E_01KBNHM5FQW81KP5Y3XMNX31K4"}, "not_found", "execution E_01KBNHM5FQW81KP5Y3XMNX31K4"),
        ({"payload": 1, "id": "order-7"}, "execution_id_parsing_error", "order-7"),
    ],
)
def test_a_handler_can_catch_what_is_refused(
    application: WebhookApplication, path: str, wrong: dict[str, Any], code: str, message: str
) -> None:
    event = {"id": order(), "signal": PAID, **wrong}

    answer = tell(application, path, event)

    assert answer["refused"] == code
    assert message in answer["message"]
    assert not Mail.objects.exists()


def test_a_value_that_a_python_signal_cannot_have_is_refused_like_any_other(application: WebhookApplication) -> None:
    answer = tell(application, "py", {"id": order(), "payload": "much"})

    assert answer["refused"] == "type_check_error"
    assert "paid -> return: expected" in answer["message"]


def test_an_id_that_is_no_text_is_the_handlers_mistake(application: WebhookApplication) -> None:
    event = {"id": order(), "payload": {"cents": 1}, "signal_id": 7}

    python = request(application, "POST", "/hooks/py", body=json.dumps(event).encode())
    javascript = tell(application, "js", event)

    (recorded,) = requests_recorded()
    assert python.status == 500
    assert "TypeError: send_signal(): signal_id must be a str, got 7" in _line_of(recorded)
    assert javascript == {"message": "signalId must be a string"}
    assert not Mail.objects.exists()


@pytest.mark.usefixtures("executor")
def test_executions_that_wait_for_nothing_are_told_apart(application: WebhookApplication) -> None:
    target = order()
    for cents in (1, 2):
        tell(application, "py", {"id": target, "payload": {"cents": cents}})
    assert result(target) == 3
    activity = submit("acme:orders/activities.add", 1, 2).id

    finished = tell(application, "py", {"id": target, "payload": {"cents": 3}})
    no_workflow = tell(application, "py", {"id": activity, "payload": {"cents": 3}})

    assert (finished["refused"], no_workflow["refused"]) == ("finished", "no_workflow")


@pytest.mark.parametrize(
    ("payload", "signal", "answer"),
    [
        ("{", "paid", 'Err(SendError::TypeCheckError("the payload is no JSON: '),
        ('"much"', "paid", f'Err(SendError::TypeCheckError("{PAID} returns result<'),
        ("1", "payed", 'Err(SendError::UnknownSignal("payed is no deployed stub function; '),
    ],
)
def test_a_compiled_handler_is_told_why_nothing_was_sent(
    application: WebhookApplication, payload: str, signal: str, answer: str
) -> None:
    assert tell_doorman(application, order(), payload, signal=signal).text.startswith(answer)
    assert not Mail.objects.exists()


def test_a_payload_may_be_as_large_as_a_result(application: WebhookApplication, settings: Any) -> None:
    target = order()
    settings.OBELISK_RESULT_BYTES = 8

    answer = tell(application, "py", {"id": target, "signal": PAID, "payload": {"cents": 1234567}})

    assert answer["refused"] == "type_check_error"
    assert "more than limits.result_bytes = 8" in answer["message"]


def test_a_delivery_that_is_answered_once_more_sends_nothing_more(
    application: WebhookApplication, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server.toml").write_text('[secrets]\nHOOK = { env = "OUR_SECRET" }\n')
    settings.OBELISK_SERVER_CONFIG = str(tmp_path / "server.toml")
    monkeypatch.setenv("OUR_SECRET", "a secret")
    deploy(write_deployment(tmp_path, SIGNED_TABLES))
    target = order()
    body = json.dumps({"id": target, "payload": {"cents": 90}, "signal_id": "evt-1"}).encode()
    signature = hmac.new(b"a secret", body, hashlib.sha256).hexdigest()
    headers = [("x-hub-signature-256", f"sha256={signature}"), ("x-github-delivery", "evt-1")]

    answers = [request(application, "POST", "/hooks/js", headers=headers, body=body).text for _ in range(2)]
    again = replay(Delivery.objects.get().pk, Asked(actor="user:ann"))

    assert [*answers, bytes(again.response_body).decode()] == ['{"is_new":true}', '{"is_new":true}', '{"is_new":false}']
    assert Mail.objects.count() == 1


def test_a_requests_log_tells_what_it_sent_and_what_was_refused(application: WebhookApplication) -> None:
    target = order()
    for event in (
        {"id": target, "payload": {"cents": 90}, "signal_id": "evt-1"},
        {"id": target, "payload": {"cents": 90}, "signal_id": "evt-1"},
        {"id": target, "signal": "payed", "payload": None},
    ):
        tell(application, "js", event)

    executions = requests_recorded()
    assert [execution.result_kind for execution in executions] == ["ok", "ok", "ok"]
    assert [_line_of(execution) for execution in executions] == [
        f"signal paid sent to {target}",
        f"signal paid was sent before to {target}",
        "signal not sent: payed is no deployed stub function; name the signal in full, such as acme:trips/signals.paid",
    ]


def _line_of(execution: Execution) -> str:
    (line,) = eventually(lambda: lines_of(execution.execution_id))
    return line
