"""The console as people use it: a real browser, a real web process, a real executor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.browser.people import Console

PAY = "example:approval/workflows.pay"
FIBO = "testing:fibo-workflow/workflow.fiboa"
LARGE = {"to": "Ann", "cents": 500_000}


def test_an_execution_is_watched_from_waiting_to_its_end(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/{execution_id}/")

    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("Blocked"))
    console.expect_live()
    expect(page.locator("#head")).to_contain_text("waits for the group finance to supply its result")
    (stub,) = re.findall(rf"{execution_id}\.\S+?_1", page.locator("#head .ob-banner").inner_text())
    console.site.check("execution", "stub", stub, '{"ok": true}')

    # Without a reload.
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("OK"))
    console.expect_live("Final")
    expect(page.locator("#events")).to_contain_text("finished")


def test_pausing_asks_for_a_reason_and_shows_it_at_once(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/{execution_id}/")
    console.expect_live()

    page.get_by_role("link", name="Pause", exact=True).click()
    page.get_by_label("Reason").fill("the bank is closed")
    page.get_by_role("button", name="Pause").click()

    expect(page.locator("#head")).to_contain_text("It is paused by user:admin since")
    expect(page.locator("#head")).to_contain_text("the bank is closed")
    page.get_by_role("link", name="Unpause").click()
    page.get_by_role("button", name="Unpause").click()
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("Blocked"))


def test_what_somebody_else_does_is_seen_and_changes_what_can_be_done(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/{execution_id}/")
    console.expect_live()

    console.pause(execution_id)

    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("Paused"))
    expect(page.get_by_role("link", name="Unpause")).to_be_visible()


def test_what_else_can_be_done_is_in_a_menu_that_closes_as_menus_do(console: Console) -> None:
    page = console.open(f"executions/{console.submit(PAY, LARGE)}/")
    console.expect_live()
    menu = page.locator("#actions details")

    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Replay")).to_be_visible()
    expect(menu).to_contain_text("It is not paused.")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()

    menu.locator("summary").click()
    expect(page.get_by_role("link", name="Replay")).to_be_visible()
    page.locator("#head h2").click()
    expect(menu).not_to_have_attribute("open", "")


def test_an_open_menu_stays_while_the_execution_goes_on(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/{execution_id}/")
    console.expect_live()
    page.locator("#actions summary").click()
    icon = page.locator('link[rel="icon"]').get_attribute("href")

    console.pause(execution_id)
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("Paused"))

    expect(page.get_by_role("link", name="Replay")).to_be_visible()
    assert page.locator('link[rel="icon"]').get_attribute("href") != icon, "the tab tells the state, too"
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Unpause")).to_be_visible()


def test_rows_of_the_list_change_in_place(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open("executions/?status=unfinished")
    row = page.locator(f'tr[data-key="{execution_id}"]')
    expect(row).to_contain_text("Blocked")
    console.expect_live()

    console.pause(execution_id)

    expect(row).to_contain_text("Paused")


def test_a_selection_survives_updates(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/{execution_id}/")
    console.expect_live()
    page.evaluate("window.getSelection().selectAllChildren(document.querySelector('#execution-id'))")

    console.pause(execution_id)
    expect(page.locator("#events")).to_contain_text("paused")

    assert page.evaluate("window.getSelection().toString()") == execution_id


def test_a_short_id_is_copied_whole(console: Console) -> None:
    execution_id = console.submit(FIBO, 3, 2)
    page = console.open("executions/")
    link = page.locator(f'tr[data-key="{execution_id}"] .ob-id')

    page.evaluate("element => window.getSelection().selectAllChildren(element)", link.element_handle())

    assert page.evaluate("window.getSelection().toString()") == execution_id


def test_the_quick_search_finds_an_execution_by_the_keyboard_alone(console: Console) -> None:
    execution_id = console.submit(FIBO, 3, 1)
    page = console.open("executions/")

    page.keyboard.press("Control+k")
    page.keyboard.type(execution_id[:20].lower())
    expect(page.locator("#find-results")).to_contain_text(execution_id)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"executions/{execution_id}/"))


def test_the_menu_folds_and_stays_folded(console: Console) -> None:
    page = console.open("executions/")
    menu = page.locator("#nav-sidebar-apps")
    expect(menu).to_be_visible()

    page.get_by_role("button", name="Fold the menu").click()
    expect(menu).not_to_be_visible()
    page.reload()

    expect(menu).not_to_be_visible()


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_no_page_is_wider_than_the_window(console: Console, width: int) -> None:
    execution_id = console.submit(PAY, {"to": "x" * 120, "cents": 500_000})
    console.page.set_viewport_size({"width": width, "height": 900})

    for tab in ("", "events/", "children/", "logs/", "do/pause/", "do/fork/"):
        page = console.open(f"executions/{execution_id}/{tab}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab
    for path in ("", "executions/", "auth/user/"):
        page = console.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_without_a_server_the_page_says_so_and_goes_on_when_it_is_back(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/{execution_id}/")
    console.expect_live()

    page.context.set_offline(True)
    page.evaluate("window.livePage.socket.close()")
    # Whether the browser tells that the connection is lost, or it is told by the silence.
    expect(page.locator("#live")).to_contain_text(re.compile("Reconnecting|Stale since"))
    console.pause(execution_id)
    page.context.set_offline(False)

    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("Paused"))
    console.expect_live()
    versions = page.locator("#events tr").evaluate_all("rows => rows.map(row => Number(row.dataset.key))")
    assert versions == sorted(set(versions)), "no event is missing or there twice"
    console.complaints.clear()  # of the attempts while it was offline


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_for_the_documentation(console: Console, screenshots: Path, scheme: Literal["light", "dark"]) -> None:
    failed = console.submit("example:trips/workflows.tour", "http://127.0.0.1:9", ["Rome"])
    waiting = console.submit(PAY, LARGE)
    console.submit(FIBO, 10, 20)
    page = console.page
    page.emulate_media(color_scheme=scheme)
    suffix = "" if scheme == "light" else "-dark"

    both = {"list": "executions/", "execution": f"executions/{waiting}/", "failed": f"executions/{failed}/"}
    light = {
        "pause": f"executions/{waiting}/do/pause/",
        "components": "components/",
        "wit": "wit/example:trips/workflows/",
        "deployments": "deployments/",
    }
    for name, path in (both if scheme == "dark" else {**both, **light}).items():
        console.open(path)
        expect(page.locator("html")).to_have_class(re.compile("dark" if scheme == "dark" else "^$|light"))
        page.wait_for_load_state("networkidle")
        page.screenshot(path=screenshots / f"{name}{suffix}.png")
