"""A signal as the world sends it: a request to a webhook endpoint of a site of real processes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from engine.guests.python.build import python_runtime
from engine.log.ids import ExecutionId
from tests.acceptance.sites import Site
from tests.harness.eventually import eventually
from tests.harness.python_components import RUNTIMES

SHOP = """
from obelisk import Request, Response, SignalRefused, send_signal, signal, webhook, workflow

PACKAGE = "acme:shop"


@signal
def paid() -> int: ...


@workflow
def order() -> str:
    return f"paid {paid()} and {paid()}"


@webhook
def handle(request: Request) -> Response:
    try:
        is_new = send_signal(
            request.params["order"], paid, request.json()["cents"], signal_id=request.headers["X-Delivery"]
        )
    except SignalRefused as refused:
        return Response(str(refused), status=404 if refused.code == "not_found" else 409)
    return Response.json({"is_new": is_new})
"""
DEPLOYMENT = """
[[python]]
name = "shop"
location = "shop.py"

[[webhook_endpoint_py]]
name = "payments"
location = "shop.py"
routes = [{ methods = ["POST"], route = "/paid/:order" }]
"""


def pay(site: Site, order: str, cents: int, delivery: str) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{site.port}/hooks/paid/{order}",
        json.dumps({"cents": cents}).encode(),
        {"X-Delivery": delivery, "Accept": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_workflow_waits_for_what_a_webhook_is_told_and_a_redelivery_changes_nothing(tmp_path: Path) -> None:
    python_runtime(RUNTIMES)  # building it would take longer than a command may
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "deployment.toml").write_text(DEPLOYMENT)
    site = Site(tmp_path, {"OBELISK_APPS": ""})
    try:
        site.migrate()
        site.check("deploy", str(tmp_path / "deployment.toml"))
        site.start("runserver", "--noreload", str(site.port))
        site.start_executor()
        order = site.check("submit", "acme:shop/workflows.order").out.strip()
        eventually(lambda: _is_waiting(site, order))

        assert eventually(lambda: _answers(site, order, 90, "d-1"), within_s=60) == (200, {"is_new": True})
        assert pay(site, order, 90, "d-1") == (200, {"is_new": False})
        assert pay(site, order, 9, "d-2") == (200, {"is_new": True})
        site.wait_until_finished(ExecutionId(order))

        assert json.loads(site.check("execution", "result", order).out) == {"ok": "paid 90 and 9"}
        assert pay(site, order, 1, "d-3") == (
            409,
            f"{order} has finished; it does not wait for acme:shop/signals.paid any more",
        )
        assert pay(site, "E_01J00000000000000000009999", 1, "d-4")[0] == 404
    finally:
        site.kill()


def _is_waiting(site: Site, order: str) -> bool:
    with site.journal() as journal:
        return journal.state_of(ExecutionId(order)).status == "blocked_by_join_set"


def _answers(site: Site, order: str, cents: int, delivery: str) -> tuple[int, Any] | None:
    """Send once the server is up; what it did not take was not sent."""
    try:
        return pay(site, order, cents, delivery)
    except urllib.error.URLError:
        return None
