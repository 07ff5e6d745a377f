"""Pictures of pages that no other module takes, and of the busiest ones on a narrow screen."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.people import Console
from tests.browser.test_code import active_id, stored
from tests.browser.test_console import FIBO, LARGE, PAY
from tests.browser.test_debugger import JAVASCRIPT, NOWHERE, ended

TOUR = "example:trips/workflows.tour"


def test_pictures_of_code_and_forms(console: Console, screenshots: Path) -> None:
    waiting = console.submit(PAY, LARGE)
    other = stored(console.site)
    javascript = ended(console, JAVASCRIPT, NOWHERE, ["Rome", "Oslo"], 60_000)
    page = console.open("components/")
    component = page.get_by_role("link", name="trips.workflows", exact=True).first.get_attribute("href")
    assert component is not None
    component = component.removeprefix("/admin/")
    source = re.sub(r"(/sha256:[0-9a-f]+/)", r"\1source/", component)

    for name, path in {
        "component": component,
        "source": source,
        "interfaces": "wit/",
        "deployment": f"deployments/{other}/",
        "differences": f"deployments/{active_id(console.site)}..{other}/",
        "submit-form": "submit/example:trips/workflows.approved-trip/",
        "children": f"executions/{javascript}/children/",
        "debugger-javascript": f"executions/{javascript}/debug/?v=7",
        "timeline": f"executions/{waiting}/timeline/",
    }.items():
        console.open(path)
        page.wait_for_load_state("networkidle")
        console.picture(screenshots / f"{name}.png", most_height=1100)


def test_pictures_of_a_form_as_json(console: Console, screenshots: Path) -> None:
    page = console.open("submit/example:trips/workflows.approved-trip/")
    page.get_by_role("button", name="JSON").click()
    expect(page.locator("textarea").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=screenshots / "submit-json.png")


def test_pictures_of_the_way_in(console: Console, screenshots: Path) -> None:
    console.page.context.clear_cookies()
    page = console.open("")

    expect(page.locator("#id_username")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=screenshots / "login.png")


def test_pictures_of_a_narrow_screen(console: Console, screenshots: Path) -> None:
    failed = console.submit(TOUR, NOWHERE, ["Rome"])
    waiting = console.submit(PAY, LARGE)
    full = console.submit(FIBO, 10, 40)
    page = console.page
    page.set_viewport_size({"width": 390, "height": 844})

    for name, path in {
        "dashboard": "",
        "list": "executions/",
        "execution": f"executions/{waiting}/",
        "failed": f"executions/{failed}/",
        "log": f"executions/{full}/events/",
        "debugger": f"executions/{failed}/debug/",
        "submit": f"submit/{PAY}/?from={waiting}",
        "tasks": "tasks/",
        "components": "components/",
        "deployments": "deployments/",
        "executors": "executors/",
        "audit": "audit/",
    }.items():
        console.open(path)
        page.wait_for_load_state("networkidle")
        console.picture(screenshots / f"narrow-{name}.png", most_height=1400)
