"""What a person does in the console from the login to the switch of a deployment, in one go; and two people at once."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Page, expect

from tests.browser.people import Console
from tests.browser.test_code import activate, active_id, stored
from tests.browser.test_console import LARGE, PAY
from tests.browser.test_forms import choose, field
from tests.browser.test_list import wait_for_stub


def state(page: Page, word: str) -> None:
    """Wait until an execution's page shows a state."""
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile(word))


def test_from_the_login_to_another_deployment(console: Console) -> None:
    # The fixture has logged in, by the form.
    page = console.page
    page.get_by_role("link", name="Submit", exact=True).click()
    page.get_by_role("searchbox", name="Function").fill("approval/workflows.pay")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="workflows.pay").first.click()
    field(page, "params[0].to").fill("Ann")
    field(page, "params[0].cents").fill("500000")
    page.get_by_role("button", name="Submit", exact=True).click()

    # Live: nothing is loaded again from here to its end.
    expect(page).to_have_url(re.compile(r"executions/E_"))
    execution_id = page.locator("#execution-id").inner_text()
    state(page, "Blocked")
    expect(page.locator("#head .ob-banner")).to_contain_text("waits for the group finance to supply its result")
    console.expect_live()
    page.evaluate("window.sameness = 1")

    # Beside it, in another tab: the timeline, the debugger, the task.
    other = page.context.new_page()
    other.goto(f"{console.base}executions/{execution_id}/timeline/")
    expect(other.locator(".tl-row").nth(1)).to_be_visible()
    expect(other.locator(".tl-chart .tl-blocked").first).to_be_attached()
    other.get_by_role("link", name="Debugger").click()
    expect(other.locator(".ob-debug-source tr.ob-here pre")).to_contain_text("approve")
    console.find_task(execution_id, other).locator("a").first.click()
    choose(other, "result@", "ok")
    choose(other, "result.ok", "true")
    other.get_by_role("button", name="Answer").click()
    expect(other.locator("#task-state")).to_contain_text("Answered by user:admin")

    state(page, "OK")
    console.expect_live("Final")
    assert page.evaluate("window.sameness") == 1

    # Another payment; its task is cancelled, and the payment is told.
    payment = console.submit(PAY, LARGE)
    task = wait_for_stub(console, payment)
    console.open(f"executions/{payment}/")
    console.expect_live()
    other.goto(f"{console.base}executions/{task}/")
    other.get_by_role("link", name="Cancel", exact=True).click()
    other.get_by_label("Reason").fill("nobody wants it")
    other.get_by_role("button", name="Cancel").click()
    state(other, "Cancelled")
    other.locator(".ob-people summary").click()
    expect(other.locator(".ob-people")).to_contain_text("nobody wants it")
    console.expect_live("Final")

    # Another deployment, and back.
    active, wanted = active_id(console.site), stored(console.site)
    console.open(f"deployments/{wanted}/activate/")
    activate(page, "a look at it")
    expect(page.locator("main, #main").first).to_contain_text(f"{wanted} is active.")
    console.open(f"deployments/{active}/activate/")
    activate(page, "enough seen")
    expect(page.locator("main, #main").first).to_contain_text(f"{active} is active.")


def test_of_two_people_who_cancel_at_once_each_is_told_and_pages_say_who_within_a_second(console: Console) -> None:
    task = wait_for_stub(console, console.submit(PAY, LARGE))
    watching = console.open(f"executions/{task}/")
    console.expect_live()
    pages = [watching.context.new_page() for _ in range(2)]
    for number, page in enumerate(pages):
        page.goto(f"{console.base}executions/{task}/do/cancel/")
        page.get_by_label("Reason").fill(f"reason {number}")
    watching.evaluate("""() => {
      const head = document.getElementById("facts");
      const look = () => { if (head.textContent.includes("reason 0")) window.saidAt ??= Date.now(); };
      new MutationObserver(look).observe(head, { childList: true, subtree: true, characterData: true });
    }""")

    first, second = pages
    first.get_by_role("button", name="Cancel").click()
    first.wait_for_url(re.compile(rf"executions/{task}/$"))
    done_ms = time.time() * 1000
    second.get_by_role("button", name="Cancel").click()

    expect(second.locator("#main")).to_contain_text("Meanwhile it has changed")
    state(watching, "Cancelled")
    expect(watching.locator("#facts")).to_contain_text("reason 0")
    expect(watching.locator("#facts")).not_to_contain_text("reason 1")
    assert watching.evaluate("window.saidAt") - done_ms < 1_000
