"""Starting executions and answering people's tasks in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import Console

PAY = "example:approval/workflows.pay"
FIBO = "testing:fibo-workflow/workflow.fiboa"
LARGE = {"to": "Ann", "cents": 500_000}


def choose(page: Page, part: str, option: str) -> None:
    """Choose a case, or whether there is something; wait until the form shows what belongs to it."""
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.locator(f'[data-part="{part}"] .ob-segment').get_by_text(option, exact=True).first.click()


def field(page: Page, name: str) -> Locator:
    return page.locator(f'[name="{name}"]')


def newest_executions(console: Console, page: Page) -> set[str]:
    """Return the keys of those of `PAY` that one page of the list shows."""
    console.open(f"executions/?function={PAY}")
    rows = page.locator("#executions tr[data-key]")
    return set(rows.evaluate_all("rows => rows.map(row => row.dataset.key)"))


def test_a_function_is_found_its_form_filled_in_and_its_execution_watched(console: Console) -> None:
    page = console.open("submit/")
    page.get_by_role("searchbox", name="Function").fill("fiboa")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="workflow.fiboa").first.click()

    field(page, "params[0]").fill("300")
    expect(page.locator(".ob-error")).to_have_text("expected u8, got 300")
    field(page, "params[0]").fill("10")
    expect(page.locator(".ob-error")).to_have_count(0)
    field(page, "params[1]").fill("3")
    page.keyboard.press("Control+Enter")

    expect(page).to_have_url(re.compile(r"executions/E_"))
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("OK"))
    expect(page.locator("#facts")).to_contain_text("By people and programs: 1")


def test_the_field_that_the_codec_refuses_has_the_focus(console: Console) -> None:
    page = console.open(f"submit/{FIBO}/")
    field(page, "params[0]").fill("10")
    field(page, "params[1]").fill("many")

    page.get_by_role("button", name="Submit", exact=True).click()

    expect(page.locator(".ob-error").first).to_contain_text("expected u32")
    expect(field(page, "params[1]")).to_be_focused()
    expect(field(page, "params[1]")).to_have_value("many")
    console.complaints.clear()  # of the answer that refuses it


def test_a_double_click_submits_once(console: Console) -> None:
    page = console.page
    before = newest_executions(console, page)
    console.open(f"submit/{PAY}/")
    field(page, "params[0].to").fill("Ann")
    field(page, "params[0].cents").fill("1")

    page.get_by_role("button", name="Submit", exact=True).dblclick()
    expect(page).to_have_url(re.compile(r"executions/E_"))

    assert len(newest_executions(console, page) - before) == 1


def test_going_back_begins_another_call(console: Console) -> None:
    page = console.open(f"submit/{FIBO}/")
    first = field(page, "execution_id").input_value()
    field(page, "params[0]").fill("3")
    field(page, "params[1]").fill("1")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page).to_have_url(re.compile(first))

    page.go_back()

    expect(field(page, "execution_id")).not_to_have_value(first)
    expect(page.get_by_role("button", name="Submit", exact=True)).to_be_enabled()


def test_what_is_typed_while_an_answer_is_under_way_stays(console: Console) -> None:
    page = console.open(f"submit/{PAY}/")

    field(page, "params[0].to").press_sequentially("Ann Elizabeth of Nowhere", delay=40)
    page.keyboard.press("Tab")
    field(page, "params[0].cents").press_sequentially("9007199254740993", delay=40)
    page.wait_for_load_state("networkidle")

    expect(field(page, "params[0].to")).to_have_value("Ann Elizabeth of Nowhere")
    expect(field(page, "params[0].cents")).to_have_value("9007199254740993")


def test_a_draft_is_there_again_after_a_reload(console: Console) -> None:
    page = console.open(f"submit/{PAY}/")
    field(page, "params[0].to").fill("a draft")

    page.reload()
    page.get_by_role("button", name="Go on with that").click()

    expect(field(page, "params[0].to")).to_have_value("a draft")


def test_a_call_is_copied_from_an_execution(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/{execution_id}/")

    page.locator("#actions summary").click()
    page.get_by_role("link", name="Submit again").click()

    expect(field(page, "params[0].cents")).to_have_value("500000")
    page.get_by_role("button", name="JSON", exact=True).first.click()
    expect(field(page, "json")).to_have_value(re.compile('"cents": 500000'))


def test_a_task_is_taken_and_answered_and_other_pages_see_it(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    row = console.find_task(execution_id)
    expect(row).to_contain_text("finance")
    console.expect_live()
    page = console.page.context.new_page()
    console.find_task(execution_id, page).locator("a").first.click()
    expect(page.locator("#task-state h2")).to_have_text("May this be paid?")

    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    expect(row).to_contain_text("admin")
    choose(page, "result@", "ok")
    choose(page, "result.ok", "true")
    page.get_by_label("Comment").fill("the budget allows it")
    page.get_by_role("button", name="Answer").click()

    expect(page.locator("#task-state")).to_contain_text("Answered by user:admin")
    expect(page.locator("#task-state")).to_contain_text("the budget allows it")
    expect(row).to_have_class(re.compile("ob-task-done"))
    console.open(f"executions/{execution_id}/")
    expect(console.page.locator("#head .ob-badge").first).to_have_text(re.compile("OK"))


def test_a_new_task_is_told_of_on_an_open_inbox(console: Console) -> None:
    page = console.open("tasks/")
    console.expect_live()

    console.submit(PAY, LARGE)

    expect(page.locator("#new-tasks")).to_contain_text("One new task")


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_no_form_is_wider_than_the_window(console: Console, width: int) -> None:
    execution_id = console.submit(PAY, {"to": "x" * 120, "cents": 500_000})
    console.page.set_viewport_size({"width": width, "height": 900})
    task = console.find_task(execution_id).get_attribute("data-key")

    for path in ("tasks/", f"tasks/{task}/", "submit/", f"submit/{PAY}/?from={execution_id}"):
        page = console.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_pictures_for_the_documentation(console: Console, screenshots: Path) -> None:
    waiting = console.submit(PAY, LARGE)
    page = console.page
    task = console.find_task(waiting).get_attribute("data-key")

    for name, path in {
        "functions": "submit/",
        "submit": f"submit/{PAY}/?from={waiting}",
        "tasks": "tasks/",
        "task": f"tasks/{task}/",
    }.items():
        console.open(path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=screenshots / f"{name}.png")
