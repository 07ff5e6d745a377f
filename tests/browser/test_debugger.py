"""The debugger in a real browser, on a site that runs: steps, slider, keys, address; and advancing by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import requests
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import Console
from tests.browser.test_console import FIBO

NOWHERE = "http://127.0.0.1:9"
CITIES = ["Rome", "Oslo"]
PYTHON = "example:trips/workflows.first-offer"
JAVASCRIPT = "example:trips-js/workflows.first-offer"


OTHERWISE = f"""
[[workflow_js]]
ffqn = "{JAVASCRIPT}"
content = '''
export default function firstOffer(service, cities, patienceMs) {{
  obelisk.sleep({{ milliseconds: patienceMs }});
  return "too late";
}}
'''
params = [
    {{ name = "service", type = "string" }},
    {{ name = "cities", type = "list<string>" }},
    {{ name = "patience-ms", type = "u32" }},
]
return_type = "result<string, string>"
"""


def ended(console: Console, ffqn: str, *params: object) -> str:
    """Run a workflow to its end, beside the browser; return its id."""
    finished = console.site.run("submit", "--follow", "--json", ffqn, json.dumps(params))
    return str(json.loads(finished.out)["execution_id"])


def paused(console: Console, *params: object) -> str:
    """Submit the Python workflow paused, beside the browser; return its id."""
    program = f"""
import json
from executions.operations.submitting import submit
print(json.dumps(submit({PYTHON!r}, {list(params)!r}, paused=True).execution_id))
"""
    return str(console.site.python(program))


def stored(console: Console) -> str:
    """Bring another deployment, in which the JavaScript workflow begins otherwise; return its id."""
    token = (console.site.data_dir / "api_token").read_text().strip()
    answer = requests.post(
        f"http://127.0.0.1:{console.site.port}/v1/deployments",
        json={"deployment_toml": OTHERWISE},
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["deployment_id"])


def submitted(console: Console, target: str) -> list[int]:
    """Return the versions at which a workflow submitted children and delays: they come behind one lock or several."""
    page = console.open(f"executions/{target}/events/")
    rows = page.locator("#events tr").filter(has_text=re.compile("child submitted|delay requested"))
    return [int(str(key)) for key in rows.evaluate_all("rows => rows.map(row => row.dataset.key)")]


def at(page: Page) -> Locator:
    return page.locator("#debug [data-version]")


def line(page: Page) -> Locator:
    """The line of source that counts."""
    return page.locator(".ob-debug-source tr.ob-here pre")


def variable(page: Page, name: str) -> Locator:
    entry = page.locator(".ob-debug-variables > div").filter(has=page.locator("dt", has_text=re.compile(rf"{name}$")))
    return entry.locator("dd")


def test_a_python_workflow_is_stepped_through_by_keys_and_slider(console: Console) -> None:
    target = ended(console, PYTHON, NOWHERE, CITIES, 0.5)
    rome, oslo, patience = submitted(console, target)
    page = console.open(f"executions/{target}/debug/?v={rome}")
    expect(line(page)).to_contain_text("offers.submit(quote, service, Trip(city))")
    expect(variable(page, "city")).to_have_text("'Rome'")
    page.evaluate("window.sameness = 1")

    page.keyboard.press("]")
    expect(variable(page, "city")).to_have_text("'Oslo'")
    expect(page).to_have_url(re.compile(rf"\?v={oslo}$"))

    page.keyboard.press("}")
    expect(line(page)).to_contain_text("for child in offers:")
    expect(page.locator(".ob-debug-events .ob-here")).to_contain_text("awaits")

    page.locator("#debug-slider").fill(str(patience))
    expect(line(page)).to_contain_text("patience = offers.submit_delay")
    expect(at(page)).to_have_attribute("data-version", str(patience))
    expect(page).to_have_url(re.compile(rf"\?v={patience}$"))

    page.keyboard.press("[")
    expect(at(page)).to_have_attribute("data-version", str(oslo))
    page.go_back()
    expect(at(page)).to_have_attribute("data-version", str(patience))
    expect(line(page)).to_contain_text("patience = offers.submit_delay")

    page.locator("#debug-number").fill(str(rome))
    page.keyboard.press("Enter")
    expect(variable(page, "city")).to_have_text("'Rome'")
    assert page.evaluate("window.sameness") == 1, "the page was never loaded anew"


def test_a_javascript_workflow_tells_what_has_changed(console: Console) -> None:
    target = ended(console, JAVASCRIPT, NOWHERE, CITIES, 60_000)
    page = console.open(f"executions/{target}/debug/?v=0")
    expect(line(page)).to_contain_text("const offers = obelisk.createJoinSet")

    page.get_by_role("link", name="Where it waits next").click()
    expect(line(page)).to_contain_text("const offer = offers.joinNext();")
    expect(variable(page, "open")).to_have_text("2")
    page.get_by_role("link", name="Where it waits next").click()

    expect(variable(page, "open")).to_have_text("1")
    expect(page.locator(".ob-debug-variables .ob-is-changed dt").filter(has_text="open")).to_be_visible()
    page.keyboard.press("i")
    expect(page.locator("#main, main").first).to_contain_text("An activity runs once for each attempt")


def test_a_compiled_workflow_has_its_calls_recorded_on_demand(console: Console) -> None:
    target = ended(console, FIBO, 3, 2)
    page = console.open(f"executions/{target}/debug/")

    page.get_by_role("button", name="Record backtraces").click()

    expect(page.locator(".ob-debug-stack")).to_contain_text("fibo_workflow")


def test_the_address_alone_is_enough(console: Console) -> None:
    target = ended(console, PYTHON, NOWHERE, CITIES, 0.5)
    first, *_ = submitted(console, target)
    page = console.open(f"executions/{target}/debug/?v={first}&wait=on")

    assert "offers.submit(quote, service, Trip(city))" in str(page.locator("body").text_content())
    hrefs = page.locator("#debug a[data-move]").evaluate_all("links => links.map(link => link.search)")
    assert all("wait=on" in href for href in hrefs)


def test_a_paused_workflow_is_advanced_step_by_step(console: Console) -> None:
    target = paused(console, NOWHERE, ["Rome"], 60)
    page = console.open(f"executions/{target}/")
    page.get_by_role("link", name="Advance").click()

    page.locator(".ob-steps li").filter(has_text="child submitted").get_by_role("radio").check()
    page.locator(".ob-steps li").filter(has_text="child submitted").get_by_label("Create it paused").check()
    page.get_by_label("Reason").fill("one at a time")
    page.get_by_role("button", name="Advance").click()

    expect(page.locator("body")).to_contain_text("2 steps carried out, and it is still paused.")
    expect(page.locator("#events")).to_contain_text("child submitted")
    page.goto(f"{console.base}executions/{target}.n:offers_1/")
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("Paused"))


def test_no_page_of_it_is_wider_than_the_window(console: Console) -> None:
    target = ended(console, PYTHON, NOWHERE, CITIES, 0.5)

    for width in (390, 768, 1280, 1920):
        console.page.set_viewport_size({"width": width, "height": 900})
        page = console.open(f"executions/{target}/debug/?v=7")
        expect(line(page)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width


def test_pictures_for_the_documentation(console: Console, screenshots: Path) -> None:
    page = console.page
    page.emulate_media(color_scheme="light")
    target = ended(console, PYTHON, NOWHERE, CITIES, 0.5)
    waiting = paused(console, NOWHERE, CITIES, 60)
    compiled = ended(console, FIBO, 3, 2)
    javascript = ended(console, JAVASCRIPT, NOWHERE, CITIES, 60_000)
    other = stored(console)

    for name, path in {
        "debugger": f"executions/{target}/debug/?v=7",
        "debugger-empty": f"executions/{compiled}/debug/",
        "advance": f"executions/{waiting}/do/advance/",
        "compare": f"executions/{javascript}/debug/compare/?deployment={other}",
    }.items():
        console.open(path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=screenshots / f"{name}.png")
