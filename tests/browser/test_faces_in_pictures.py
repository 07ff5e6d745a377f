"""What pages look like while they wait for something, and when it does not come."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.acceptance.sites import Site
from tests.browser.people import Console, apart
from tests.browser.test_console import LARGE, PAY
from tests.browser.test_freshness import Wire

_TIMELINE = re.compile(r"/timeline/window/")
_DEBUGGER = re.compile(r"/debug/at/")


@pytest.fixture
def waiting(console: Console) -> str:
    return console.submit(PAY, LARGE)


@contextmanager
def held(page: Page, address: re.Pattern[str]) -> Iterator[list[Route]]:
    """Have no answer come from an address, but for what the test takes out and answers; in the end the others go on."""
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route(address, hold)
    yield asked
    page.unroute(address)


@contextmanager
def without(site: Site, table: str) -> Iterator[None]:
    """Take a table away."""
    apart(lambda: site.query(f"ALTER TABLE {table} RENAME TO away"))
    try:
        yield
    finally:
        apart(lambda: site.query(f"ALTER TABLE away RENAME TO {table}"))


def test_a_timeline_that_does_not_come_says_so_and_is_asked_for_again(
    console: Console, waiting: str, screenshots: Path
) -> None:
    page = console.page
    with held(page, _TIMELINE) as asked:
        console.open(f"executions/{waiting}/timeline/")
        expect(page.locator(".tl-loading")).to_be_visible()
        page.screenshot(path=screenshots / "timeline-loading.png")
        asked.pop(0).fulfill(status=503, content_type="application/json", body=json.dumps({"error": "database error"}))
        expect(page.get_by_role("alert")).to_contain_text("The timeline could not be read: database error")
        expect(page.locator(".tl-loading")).to_have_count(0)
        page.screenshot(path=screenshots / "timeline-error.png")
        page.get_by_role("button", name="Retry").click()
    console.complaints.clear()  # the browser's word for the answer 503

    expect(page.get_by_role("treeitem").first).to_contain_text("workflows.pay")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_debugger_that_waits_says_for_what_and_offers_to_try_again(
    console: Console, waiting: str, screenshots: Path
) -> None:
    page = console.page
    console.open(f"executions/{waiting}/debug/?v=2")
    page.wait_for_load_state("networkidle")
    with held(page, _DEBUGGER) as asked:
        with page.expect_request(_DEBUGGER):
            page.keyboard.press("[")
        expect(page.locator("#debug-status")).to_contain_text("Replaying …")
        page.screenshot(path=screenshots / "debugger-loading.png")
        asked.pop(0).fulfill(status=503, content_type="text/html", body="")
        expect(page.locator("#debug-status")).to_contain_text("The server did not answer as it should (503).")
        page.screenshot(path=screenshots / "debugger-error.png")
    console.complaints.clear()

    page.get_by_role("link", name="Try again").click()

    expect(page.locator("#debug-status")).to_have_text("")


def test_pictures_of_a_page_that_hears_nothing(console: Console, waiting: str, screenshots: Path) -> None:
    page = console.page
    page.clock.install()
    wire = Wire(page)
    console.open(f"executions/{waiting}/")
    console.expect_live()
    wire.is_cut = True
    page.clock.fast_forward(13_000)

    expect(page.locator("#live")).to_contain_text("Stale since")
    page.screenshot(path=screenshots / "execution-stale.png")


def test_a_part_of_the_dashboard_that_cannot_be_read_says_so(console: Console, screenshots: Path) -> None:
    page = console.page
    with without(console.site, "webhooks_refusedrequest"):
        console.open("")
        expect(page.get_by_role("alert").first).to_contain_text("Deliveries could not be read since")
        expect(page.locator("#tiles")).to_be_visible()
        console.picture(screenshots / "dashboard-error.png")


def test_a_page_that_is_not_there_says_so(console: Console, screenshots: Path) -> None:
    page = console.open("executions/E_01KBNHM5FQW81KP5Y3XMNX31K4/")

    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.screenshot(path=screenshots / "refusal.png")
    console.complaints.clear()
