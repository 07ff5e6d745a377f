"""Every page of the console, by area, on a site where each has something to show."""

from __future__ import annotations

import pytest

from tests.acceptance.api_client import Client
from tests.acceptance.sites import Site
from tests.browser.people import submit
from tests.browser.test_code import active_id, stored
from tests.browser.test_console import LARGE, PAY
from tests.browser.test_debugger import NOWHERE
from tests.browser.test_watching import schedules, send_star, star
from tests.harness.eventually import eventually

__all__ = ["AREAS", "schedules", "shown"]  # two are fixtures

TOUR = "example:trips/workflows.tour"
AREAS = {
    "lists": (
        "",
        "?range=7d",
        "executions/",
        "executions/?status=failed",
        "executions/?show_derived=on&columns=labels,component,deployment,parent",
        "executions/batches/",
        "go/fibo/",
    ),
    "execution": (
        "executions/{waiting}/",
        "executions/{waiting}/timeline/",
        "executions/{waiting}/timeline/?table=1",
        "executions/{waiting}/children/",
        "executions/{waiting}/do/pause/",
        "executions/{waiting}/do/fork/",
        "executions/{failed}/",
    ),
    "parts": (
        "executions/{waiting}/events/?version=4#v4",
        "executions/{failed}/logs/",
        "executions/{refused}/http/",
        "executions/{failed}/responses/",
        "executions/{failed}/raw/",
        "executions/{failed}/raw/events/",
    ),
    "debugger": (
        "executions/{waiting}/debug/",
        "executions/{failed}/debug/?v=2",
        "executions/{waiting}/debug/compare/",
    ),
    "people": ("tasks/", "tasks/{task}/", "submit/", f"submit/{PAY}/"),
    "watching": (
        "schedules/",
        "schedules/nightly/",
        "schedules/nightly/do/trigger/",
        "executors/",
        "webhooks/",
        "webhooks/deliveries/",
        "webhooks/deliveries/?endpoint=nobody",
        "webhooks/refused/",
        "webhooks/delivery/{delivery}/",
        "webhooks/delivery/{delivery}/replay/",
    ),
    "code": (
        "components/",
        "components/{component}/",
        "components/{component}/wit/",
        "components/{component}/source/",
        "components/{component}/access/",
        "wit/",
        "wit/example:trips/workflows/",
    ),
    "deployments": (
        "deployments/",
        "deployments/{active}/",
        "deployments/{other}/activate/",
        "deployments/{other}/rehearsal/",
        "deployments/{active}..{other}/",
    ),
    "administration": (
        "audit/",
        "tokens/",
        "tokens/new/",
        "tokens/{token}/revoke/",
        "storage/",
        "auth/user/",
        "auth/group/",
    ),
}
"""Addresses below the console's own; `shown` has what they name."""


@pytest.fixture(scope="module")
def shown(site: Site, schedules: None) -> dict[str, str]:
    """What the addresses of pages name: an execution that failed, one that waits and for which task, and so on."""
    failed, waiting = submit(site, TOUR, NOWHERE, ["Rome"]), submit(site, PAY, LARGE)
    assert send_star(site, "every-page", star("octocat")) == 202
    assert send_star(site, "every-page-2", star("mallory"), secret="a guess") == 401
    token = (site.data_dir / "api_token").read_text().strip()
    client = Client(site.port, token)
    eventually(lambda: client.send("GET", f"executions/{failed}/status")[1]["pending_state"]["status"] == "finished")
    for method, path in (
        ("PUT", f"executions/{waiting}/pause"),
        ("PUT", f"executions/{waiting}/unpause"),
        ("PUT", "crons/nightly/pause"),
        ("PUT", "crons/nightly/unpause"),
        ("POST", "webhooks/deliveries/1/replay?reason=once+more"),
    ):
        status, document = client.send(method, path)
        assert status in (200, 201), document
    _, components = client.send("GET", "components")
    ids = (each["component_id"] for each in components)
    return {
        "failed": failed,
        "waiting": waiting,
        "task": f"{waiting}.g:1_1",
        "refused": f"{failed}.o:1-book-hotel_1",
        "delivery": "1",
        "component": next(each["component_digest"] for each in ids if each["name"] == "trips.workflows"),
        "active": active_id(site),
        "other": stored(site),
        "token": token.split("_")[1],
    }
