"""Components, WIT and deployments in a real browser, on a site that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.acceptance.sites import Site
from tests.browser.people import Console
from tests.browser.test_console import LARGE, PAY

NARROWER = """
[[activity_external]]
name = "a-name-of-a-component-that-is-so-long-that-it-fits-no-column-of-any-table-there-is-anywhere-in-all-pages"
ffqn = "test:browser/outside.ask"
params = [{ name = "n", type = "u64" }]
"""


OTHERWISE = """
[[workflow_js]]
name = "other_payments"
ffqn = "example:approval/workflows.pay"
content = "export default (payment) => obelisk.sleep({ days: 1 });"
params = [{ name = "payment", type = "record { to: string, cents: u64 }" }]
return_type = "result"
exec.locking_strategy = "by_ffqns"
"""


def stored(site: Site, toml: str = NARROWER) -> str:
    """Bring another deployment, which is not run; return its id."""
    token = (site.data_dir / "api_token").read_text().strip()
    answer = requests.post(
        f"http://127.0.0.1:{site.port}/v1/deployments",
        json={"deployment_toml": toml, "description": "<b>only</b> one function"},
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["deployment_id"])


def active_id(site: Site) -> str:
    lines = site.check("deployment", "list").lines
    return next(line.split()[0] for line in lines if line.split()[1] == "active")


def activate(page: Page, reason: str) -> None:
    for box in page.locator('input[name="approved"]').all():
        box.check()
    page.get_by_label("Why").fill(reason)
    page.get_by_role("button", name="Activate").click()


def test_a_deployment_is_rehearsed_activated_and_taken_back(console: Console) -> None:
    console.submit(PAY, LARGE)
    active = active_id(console.site)
    other = stored(console.site)
    page = console.open(f"deployments/{other}/rehearsal/")

    page.get_by_role("button", name="Rehearse").click()
    # Without a reload.
    expect(page.locator("#report")).to_contain_text(f"of {PAY} would wait: no component exports it")
    expect(page.locator("#report")).to_contain_text("Done")
    console.expect_live("Final")
    expect(page.get_by_role("button", name="Stop")).not_to_be_visible()
    expect(page.get_by_role("button", name="Rehearse again")).to_be_visible()

    page.get_by_role("link", name="Activate…").click()
    expect(page.locator("#differences")).to_contain_text("test:browser/outside.ask")
    activate(page, "a look at it")
    expect(page.locator("main, #main").first).to_contain_text(f"{other} is active.")

    page = console.open("deployments/")
    page.get_by_role("link", name=re.compile("Switch back to")).click()
    page.get_by_role("button", name="Activate").click()
    # What is newly asked for is ticked first; the browser sees to it before the server does.
    expect(page).to_have_url(re.compile(f"/{active}/activate/$"))
    activate(page, "enough seen")
    expect(page.locator(".ob-head").first).to_contain_text("enough seen")


def test_what_diverges_is_left_on_old_code_in_pictures(console: Console, screenshots: Path) -> None:
    execution_id, _ = console.submit(PAY, LARGE), console.submit(PAY, LARGE)
    page = console.page
    page.goto(f"{console.base}executions/{execution_id}/")
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("Blocked"))
    other = stored(console.site, OTHERWISE)
    console.open(f"deployments/{other}/rehearsal/")
    page.get_by_role("button", name="Rehearse").click()
    expect(page.locator("#report")).to_contain_text("Done")

    page.get_by_label(f"Leave {execution_id} on old code").check()
    page.get_by_label("Reason").fill("paid by half")
    page.screenshot(path=screenshots / "rehearsal.png")
    page.get_by_role("button", name="Leave what is ticked on old code").click()

    expect(page.get_by_text("1 workflow left on old code.")).to_be_visible()
    page.get_by_role("button", name="Rehearse again").click()
    expect(page.locator("#report .ob-tally")).to_contain_text("left on old code")
    expect(page.get_by_label(f"Leave {execution_id} on old code")).to_have_count(0)
    page.get_by_role("link", name="Activate…").click()
    expect(page.get_by_text("1 unfinished workflow is not run by it")).to_be_visible()


def test_from_a_component_through_its_wit_to_a_type(console: Console) -> None:
    page = console.open("components/?q=fibo_workflow")

    page.get_by_role("link", name="fibo_workflow").first.click()
    page.get_by_role("link", name="WIT", exact=True).last.click()
    page.locator("pre.ob-wit").get_by_role("link", name="testing:fibo-obelisk-ext/fibo").first.click()
    page.locator("pre.ob-wit").get_by_role("link", name="execution-id").last.click()

    expect(page).to_have_url(
        re.compile(r"/wit/obelisk:types/execution@[0-9.]+/#obelisk:types/execution@[0-9.]+\.execution-id$")
    )
    expect(page.locator(":target")).to_have_text("execution-id")


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_no_page_of_code_is_wider_than_the_window(console: Console, width: int) -> None:
    active = active_id(console.site)
    other = stored(console.site)
    console.page.set_viewport_size({"width": width, "height": 900})
    page = console.open(f"components/?deployment={other}")
    component = page.locator("table a").first.get_attribute("href")
    assert component is not None
    path, _, query = component.removeprefix("/admin/").partition("?")
    paths = [f"{path}{tab}?{query}" for tab in ("", "wit/", "source/", "access/")]
    paths += ["components/", "wit/", "deployments/", f"deployments/{other}/", f"deployments/{other}/activate/"]
    paths += [f"deployments/{active}..{other}/", f"deployments/{other}/rehearsal/"]

    for each in paths:
        console.open(each)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), each
