"""The list of executions in a real browser: selecting, doing something to many, views, keys, finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Console
from tests.browser.test_console import FIBO, LARGE, PAY

STUBS = "example:approval/stubs"


def wait_for_stub(console: Console, parent: str) -> str:
    """Return the id of the human task that a payment waits for."""
    page = console.open(f"executions/{parent}/")
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("Blocked"))
    (stub,) = re.findall(rf"{parent}\.\S+?_1", page.locator("#head .ob-banner").inner_text())
    return str(stub)


def tint(page: Page) -> str:
    """Return the background of what is selected."""
    return str(
        page.evaluate("""() => {
          const probe = document.body.appendChild(document.createElement("i"));
          probe.style.background = "var(--ob-running-tint)";
          const colour = getComputedStyle(probe).backgroundColor;
          probe.remove();
          return colour;
        }""")
    )


def test_three_are_selected_by_keys_and_cancelled_with_a_report(console: Console) -> None:
    stubs = [wait_for_stub(console, console.submit(PAY, LARGE)) for _ in range(3)]
    page = console.open(f"executions/?status=pending&show_derived=on&ffqn_prefix={STUBS}")
    console.expect_live()

    for _ in range(3):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("#selected")).to_have_text("3 selected, or")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#main")).to_contain_text("3 can be cancelled")
    page.get_by_label("Reason").fill("the bank is <closed>")
    page.get_by_role("button", name="Cancel 3").click()

    # Without a reload.
    expect(page.locator("#progress")).to_contain_text("3 cancelled")
    expect(page.locator("#progress .ob-badge")).to_contain_text("Done")
    console.expect_live("Final")
    expect(page.get_by_role("button", name="Stop")).not_to_be_visible()
    for stub in stubs:
        expect(page.locator("#report")).to_contain_text(stub)
    page.locator("#report a").first.click()
    page.locator(".ob-people summary").click()
    expect(page.locator(".ob-people")).to_contain_text("the bank is <closed>")
    page.get_by_role("link", name="as one of many").click()
    expect(page.locator("#progress")).to_contain_text("user:admin")


def test_what_is_selected_stays_so_while_rows_change(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open("executions/")
    found = page.locator(f'tr[data-key="{execution_id}"]')
    expect(found).to_contain_text("waits at")
    console.expect_live()
    found.locator("a").first.focus()
    page.keyboard.press("x")

    console.pause(execution_id)

    expect(found).to_contain_text("Paused")
    expect(found.locator("input[name=selected]")).to_be_checked()
    expect(found.locator("td").first).to_have_css("background-color", tint(page))


def test_what_is_selected_stays_so_when_its_row_changes_later_because_it_had_the_focus(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open("executions/")
    found = page.locator(f'tr[data-key="{execution_id}"]')
    console.expect_live()
    tick = found.locator("input[name=selected]")
    tick.check()

    # Nobody's row changes under his hands; a frame of something newer tells that this one's has come.
    console.pause(execution_id)
    console.submit(PAY, LARGE)
    expect(page.get_by_role("link", name="new execution")).to_be_visible()
    expect(found).to_contain_text("Blocked")
    page.keyboard.press("Tab")
    expect(found).to_contain_text("Paused")

    assert tick.is_checked()
    page.get_by_role("button", name="Unpause", exact=True).click()
    expect(page.locator("#main")).to_contain_text("1 can be unpaused")


def test_rows_that_match_no_longer_stay_and_new_ones_wait_behind_a_pill(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/?status=blocked&function={PAY}")
    found = page.locator(f'tr[data-key="{execution_id}"]')
    expect(found).to_be_visible()
    console.expect_live()

    console.pause(execution_id)
    expect(found).to_contain_text("no longer matches")
    other = console.submit(PAY, LARGE)

    pill = page.get_by_role("link", name="new execution")
    expect(pill).to_contain_text("↑ 1 new execution matches — show")
    expect(page.locator(f'tr[data-key="{other}"]')).to_have_count(0)
    pill.click()
    expect(page.locator(f'tr[data-key="{other}"]')).to_be_visible()
    expect(found).to_have_count(0)


def test_a_view_is_saved_chosen_and_deleted(console: Console) -> None:
    page = console.open(f"executions/?function={FIBO}&status=finished_ok")

    page.get_by_text("Save view").click()
    page.get_by_label("Name of this view").fill("Fine numbers")
    page.get_by_role("button", name="Save", exact=True).click()
    console.open("executions/")
    page.get_by_role("link", name="Fine numbers").click()

    expect(page.locator('input[name="function"]')).to_have_value(FIBO)
    expect(page.get_by_role("link", name="Fine numbers")).to_have_attribute("aria-current", "page")
    page.get_by_role("button", name="Delete the view Fine numbers").click()
    expect(page.get_by_role("link", name="Fine numbers")).to_have_count(0)


def test_columns_are_chosen_and_stay_chosen(console: Console) -> None:
    console.submit(FIBO, 3, 1)
    page = console.open("executions/")

    page.locator("summary", has_text="Columns").click()
    page.get_by_role("checkbox", name="Component").check()
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("columns=component"))
    console.open("executions/")

    expect(page.get_by_role("columnheader", name="Component")).to_be_visible()


def test_keys_are_listed_and_do_nothing_while_somebody_types(console: Console) -> None:
    console.submit(FIBO, 3, 1)
    page = console.open("executions/")
    keys = page.get_by_role("dialog", name="Keys")

    page.keyboard.press("?")
    expect(keys).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(keys).not_to_be_visible()

    page.keyboard.press("f")
    expect(page.locator("#filters input").first).to_be_focused()
    page.locator('input[name="label"]').focus()
    page.keyboard.type("jx?/")
    expect(page.locator('input[name="label"]')).to_have_value("jx?/")
    expect(keys).not_to_be_visible()

    page.locator('input[name="label"]').blur()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"executions/E_[^/]+/$"))
    page.wait_for_load_state()
    page.keyboard.press("/")
    expect(page.locator("#find-text")).to_be_focused()


def test_a_name_that_means_several_things_leads_to_a_short_list(console: Console) -> None:
    page = console.open("go/fibo/")

    expect(page.locator("#main")).to_contain_text("“fibo” may mean:")
    page.get_by_role("link", name="testing:fibo/fibo.fibo", exact=True).click()

    expect(page.locator(":target")).to_have_text("fibo")


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_nothing_of_the_list_is_wider_than_the_window(console: Console, width: int) -> None:
    console.submit(PAY, {"to": "x" * 120, "cents": 500_000})
    console.page.set_viewport_size({"width": width, "height": 900})

    for path in (
        "executions/?show_derived=on&columns=labels,component,deployment,parent",
        "executions/batches/",
        f"go/{'x' * 300}/",
    ):
        page = console.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    console.complaints.clear()  # nothing is called so


def test_pictures_of_bulk_operations(console: Console, screenshots: Path) -> None:
    for _ in range(2):
        console.submit(PAY, LARGE)
    console.submit(FIBO, 3, 1)
    page = console.open("executions/")
    expect(page.locator("tr[data-key]").first).to_be_visible()
    page.locator("#select-all").check()

    page.get_by_role("button", name="Unpause").click()
    # A click does not wait for the page that it leads to, and nobody goes back from one that is not there yet.
    expect(page.get_by_role("heading", name="Unpause many")).to_be_visible()
    page.go_back()
    page.locator("#select-all").check()
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_label("Reason").fill("the bank is closed")
    page.screenshot(path=screenshots / "bulk-confirm.png")
    page.get_by_role("button", name=re.compile("^Pause [0-9]")).click()
    expect(page.locator("#progress .ob-badge")).to_contain_text("Done")
    console.expect_live("Final")
    page.screenshot(path=screenshots / "bulk-report.png")
