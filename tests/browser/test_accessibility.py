"""Whether everybody can use the console: axe's rules on every kind of page, and a whole journey by the keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Locator, Page, expect

from tests.browser.every_page import AREAS, schedules, shown
from tests.browser.people import Console
from tests.browser.test_console import LARGE, PAY

__all__ = ["schedules", "shown"]  # fixtures

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
_SERIOUS = ("serious", "critical")
_COLOURS = {"type": "rule", "values": ["color-contrast"]}
"""All that darkness changes; axe's other rules read what is the same in either scheme."""


def _objections(page: Page) -> list[str]:
    """Return what axe finds that keeps somebody from using a page, by daylight and by night."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = _violations(page, {"type": "tag", "values": _RULES})
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    return found + [f"dark: {each}" for each in _violations(page, _COLOURS)]


def _violations(page: Page, rules: dict[str, Any]) -> list[str]:
    found: dict[str, Any] = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response
    return [
        f"{each['id']}: {each['help']}: {node['target']} {node['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in _SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("area", list(AREAS))
def test_axe_has_no_serious_objection_to_any_page(console: Console, shown: dict[str, str], area: str) -> None:
    objections = {}
    for path in AREAS[area]:
        page = console.open(path.format(**shown))
        page.wait_for_load_state("networkidle")
        if page.locator("#actions details").count():
            page.locator("#actions summary").click()
        if found := _objections(page):
            objections[path] = found

    assert objections == {}


def test_axe_has_no_serious_objection_to_operations_on_many(console: Console) -> None:
    console.submit(PAY, LARGE)
    page = console.page
    console.open(f"executions/?function={PAY}&status=blocked")
    page.locator("input[name=selected]").first.check()
    objections = _objections(page)
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    objections += _objections(page)
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_label("Reason").fill("a look at it")
    objections += _objections(page)
    page.get_by_role("button", name="Pause 1").click()
    expect(page.locator("#progress")).to_contain_text("Done")
    objections += _objections(page)

    assert objections == []


def test_axe_has_no_serious_objection_to_the_login(console: Console) -> None:
    console.page.context.clear_cookies()
    page = console.open("login/")

    assert _objections(page) == []


_MOST_TABS = 80


def _tab_to(page: Page, wanted: Locator) -> None:
    """Go from control to control as somebody without a mouse does, until one has the focus, and shows it."""
    expect(wanted).to_be_visible()
    for _ in range(_MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            outline = wanted.evaluate(
                "element => { const style = getComputedStyle(element); return style.outlineStyle + style.boxShadow; }"
            )
            assert outline != "nonenone", "nothing shows where the focus is"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} is not reached by {_MOST_TABS} tabs")


def _choose(page: Page, first: Locator, key: str) -> None:
    """Go to the first of some options and choose one; wait until the form shows what belongs to it."""
    _tab_to(page, first)
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.keyboard.press(key)


def test_a_payment_is_started_approved_and_seen_without_a_mouse(console: Console) -> None:
    page = console.page
    page.context.clear_cookies()
    console.open("login/")
    _tab_to(page, page.get_by_role("textbox", name="Username"))
    page.keyboard.type("admin")
    _tab_to(page, page.get_by_role("textbox", name="Password"))
    page.keyboard.type(console.password)
    page.keyboard.press("Enter")

    _tab_to(page, page.get_by_role("link", name="Submit", exact=True))
    page.keyboard.press("Enter")
    _tab_to(page, page.get_by_role("searchbox", name="Function"))
    page.keyboard.type("approval/workflows.pay")
    page.keyboard.press("Enter")
    _tab_to(page, page.get_by_role("link", name="workflows.pay").first)
    page.keyboard.press("Enter")
    _tab_to(page, page.locator('[name="params[0].to"]'))
    page.keyboard.type("Ann")
    _tab_to(page, page.locator('[name="params[0].cents"]'))
    page.keyboard.type("500000")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_url(re.compile(r"executions/E_"))
    execution_id = page.locator("#execution-id").inner_text()

    _tab_to(page, page.get_by_role("link", name="Answer the task"))
    page.keyboard.press("Enter")
    _choose(page, page.get_by_role("radio", name="ok", exact=True), "Space")
    _choose(page, page.get_by_role("radio", name="false", exact=True), "ArrowRight")  # true
    _tab_to(page, page.get_by_role("button", name="Answer", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#task-state")).to_contain_text("Answered")

    page.keyboard.press("Control+k")
    page.keyboard.type(execution_id)
    expect(page.locator("#find-results")).to_contain_text(execution_id)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("OK"))
