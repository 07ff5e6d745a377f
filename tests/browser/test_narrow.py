"""On the screen of a telephone pages are read by scrolling down: neither they nor frames in them go on to the side."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import resolve
from playwright.sync_api import Page, ViewportSize, expect

from console.urls import console_urls
from tests.browser.every_page import AREAS, schedules, shown
from tests.browser.people import Console
from tests.browser.test_console import LARGE, PAY

__all__ = ["schedules", "shown"]  # fixtures

_TELEPHONE: ViewportSize = {"width": 390, "height": 844}
_WIDE = """() => {
  const isCode = (frame) => frame.closest("pre, .ob-listing") !== null;
  const scrolls = (frame) => ["auto", "scroll"].includes(getComputedStyle(frame).overflowX);
  document.querySelectorAll("#main details").forEach((each) => (each.open = true));
  return [document.documentElement, ...document.querySelectorAll("body *")]
    .filter((each) => each === document.documentElement || (scrolls(each) && !isCode(each)))
    .filter((each) => each.scrollWidth > each.clientWidth)
    .map((each) => `${each.localName}.${each.className}: ${each.scrollWidth} > ${each.clientWidth}`);
}"""
"""What can be scrolled to the side, with all open that can be. Code keeps its lines."""
_NO_PAGES = {
    "console_go",
    "console_view_save",
    "console_view_forget",
    "console_columns",
    "console_bulk",
    "console_batch",
    "console_batch_stop",
    "console_timeline_window",
    "console_event",
    "console_value",
    "console_links",
    "console_events_rows",
    "console_logs_rows",
    "console_http_rows",
    "console_responses_rows",
    "console_debug_at",
    "console_debug_record",
    "console_raw_file",
    "console_executor_forget",
    "console_rehearsal_start",
    "console_rehearsal_leave",
    "console_rehearsal_stop",
    "console_audit_export",
}
"""What is sent to, or is a part of a page; operations on many are looked at on their own."""


def _wide(page: Page) -> list[str]:
    page.wait_for_load_state("networkidle")
    found: list[str] = page.evaluate(_WIDE)
    return found


@pytest.mark.parametrize("area", list(AREAS))
def test_no_page_scrolls_to_the_side(console: Console, shown: dict[str, str], area: str) -> None:
    console.page.set_viewport_size(_TELEPHONE)

    wide = {path: _wide(console.open(path.format(**shown))) for path in AREAS[area]}

    assert {path: found for path, found in wide.items() if found} == {}


def test_no_step_of_an_operation_on_many_scrolls_to_the_side(console: Console) -> None:
    console.submit(PAY, LARGE)
    page = console.page
    page.set_viewport_size(_TELEPHONE)
    console.open(f"executions/?function={PAY}&status=blocked")
    page.locator("input[name=selected]").first.check()
    wide = _wide(page)

    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_label("Reason").fill("a look at it")
    wide += _wide(page)
    page.get_by_role("button", name="Pause 1").click()
    expect(page.locator("#progress")).to_contain_text("Done")
    wide += _wide(page)
    wide += _wide(console.open("executions/batches/"))

    assert wide == []


def test_every_page_is_looked_at(shown: dict[str, str]) -> None:
    paths = [path.format(**shown).partition("?")[0] for paths in AREAS.values() for path in paths]
    looked_at = {resolve(f"/admin/{path}").url_name for path in paths}

    assert {each.name for each in console_urls(admin.site)} - looked_at == _NO_PAGES
