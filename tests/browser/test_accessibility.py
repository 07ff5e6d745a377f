"""Whether everybody can use the console: axe's rules on every kind of page, and a whole journey by the keyboard."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.people import Console

PAY = "example:approval/workflows.pay"
FIBO = "testing:fibo-workflow/workflow.fiboa"
LARGE = {"to": "Ann", "cents": 500_000}
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
_SERIOUS = ("serious", "critical")
_PAGES = (
    "executions/",
    "executions/?status=failed",
    "executions/{waiting}/",
    "executions/{waiting}/timeline/",
    "executions/{waiting}/events/",
    "executions/{waiting}/children/",
    "executions/{waiting}/logs/",
    "executions/{waiting}/http/",
    "executions/{waiting}/responses/",
    "executions/{waiting}/do/pause/",
    "executions/{waiting}/do/fork/",
    "executions/{failed}/",
    "tasks/",
    "submit/",
    f"submit/{PAY}/",
    "components/",
    "wit/",
    "wit/example:trips/workflows/",
    "deployments/",
    "auth/user/",
    "auth/group/",
)


def _objections(page: Page) -> list[str]:
    """Return what axe finds that keeps somebody from using a page."""
    found: dict[str, Any] = Axe().run(page, options={"runOnly": {"type": "tag", "values": _RULES}}).response
    return [
        f"{each['id']}: {each['help']}: {node['target']} {node['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in _SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_no_serious_objection_to_any_page(console: Console, scheme: Literal["light", "dark"]) -> None:
    failed = console.submit("example:trips/workflows.tour", "http://127.0.0.1:9", ["Rome"])
    waiting = console.submit(PAY, LARGE)
    console.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    objections = {}
    for path in _PAGES:
        page = console.open(path.format(waiting=waiting, failed=failed))
        page.wait_for_load_state("networkidle")
        if found := _objections(page):
            objections[path] = found

    assert objections == {}


def test_axe_has_no_serious_objection_to_the_login(console: Console) -> None:
    console.page.context.clear_cookies()
    page = console.open("login/")

    assert _objections(page) == []
