"""The dashboard in a real browser: drawn, live, and leading to the lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.sites import Site
from tests.browser.people import Console
from tests.harness.eventually import eventually

PAY = "example:approval/workflows.pay"
FIBO = "testing:fibo-workflow/workflow.fiboa"
LARGE = {"to": "Ann", "cents": 500_000}
_SUM = (
    "number => window.dashboardCharts[number].chart.data.datasets.flatMap(set => set.data).reduce((a, b) => a + b, 0)"
)


def drawn(page: Page, chart: int) -> float:
    """The sum of all that a chart shows."""
    shown: float = page.evaluate(_SUM, chart)
    return shown


def test_what_ends_appears_on_the_open_page(console: Console) -> None:
    page = console.open("")
    console.expect_live()
    blocked = int(page.locator("#tile-blocked strong").inner_text().replace(",", ""))
    before = drawn(page, 0)

    console.submit(PAY, LARGE)
    console.submit(FIBO, 10, 3)

    expect(page.locator("#tile-blocked strong")).to_have_text(f"{blocked + 1:,}")
    page.wait_for_function(f"before => ({_SUM})(0) > before", arg=before)
    assert drawn(page, 1) > 0, "how long it took"
    console.expect_live()


def test_tiles_and_the_table_lead_to_the_list(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open("")

    page.locator("#tile-blocked").click()

    expect(page.locator(f'tr[data-key="{execution_id}"]')).to_be_visible()
    page.go_back()
    page.get_by_text("Numbers as a table").click()
    expect(page.locator("#stretches tbody tr")).to_have_count(60)
    page.get_by_role("link", name="24 h").click()
    expect(page).to_have_url(re.compile(r"range=24h"))
    expect(page.locator("#stretches tbody tr")).to_have_count(144)


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_it_fits_the_window(console: Console, width: int) -> None:
    console.submit(PAY, {"to": "x" * 120, "cents": 500_000})
    console.page.set_viewport_size({"width": width, "height": 900})

    page = console.open("")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_for_the_documentation(console: Console, screenshots: Path, scheme: Literal["light", "dark"]) -> None:
    console.submit("example:trips/workflows.tour", "http://127.0.0.1:9", ["Rome"])
    console.submit(PAY, LARGE)
    console.submit(FIBO, 10, 20)
    page = console.page
    page.emulate_media(color_scheme=scheme)
    # A function that is new comes with the page, not while it is open.
    eventually(lambda: "workflows.tour" in console.open("").locator("#functions").inner_text())
    expect(page.locator("html")).to_have_class(re.compile("dark" if scheme == "dark" else "^$|light"))
    console.picture(screenshots / f"dashboard{'' if scheme == 'light' else '-dark'}.png")


@pytest.fixture
def fresh_console(context: BrowserContext, tmp_path: Path) -> Iterator[Console]:
    """The console of a site on which nothing ran yet."""
    site = Site(tmp_path)
    try:
        site.start("serve", "--no-job").wait_for("Ctrl-C stops everything.")
        opened = Console(site, context.new_page(), (site.data_dir / "admin_password").read_text().strip())
        opened.log_in()
        yield opened
        assert opened.complaints == []
    finally:
        site.kill()


def test_pictures_of_a_site_on_which_nothing_ran(fresh_console: Console, screenshots: Path) -> None:
    page = fresh_console.open("")

    expect(page.get_by_role("heading", name="Nothing has run here yet")).to_be_visible()
    page.screenshot(path=screenshots / "dashboard-empty.png")

    fresh_console.submit(FIBO, 10, 1)
    expect(page.locator("#legend")).to_contain_text("OK 2")
