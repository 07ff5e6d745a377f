"""Who may do what, in a real browser: tokens, the audit, and pages without values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import requests
from playwright.sync_api import expect

from tests.browser.people import Console
from tests.browser.test_console import LARGE, PAY

PASSWORD: Final = "a-long-word-for-tests"
_MAKE_BLIND = f"""
from django.contrib.auth.models import Permission, User
user, _ = User.objects.get_or_create(username="blind", defaults={{"is_staff": True}})
user.set_password("{PASSWORD}")
user.save()
user.user_permissions.set(Permission.objects.filter(codename="api_read"))
print("null")
"""


def test_a_token_is_made_copied_and_revoked_and_the_audit_tells_it(console: Console) -> None:
    page = console.open("tokens/")
    page.get_by_role("link", name="New token").click()
    page.get_by_label("What it is for").fill("browser test")
    page.get_by_role("button", name="Make it").click()
    text = page.locator("#token").inner_text()
    api = f"http://127.0.0.1:{console.site.port}/v1/executions"
    headers = {"Authorization": f"Bearer {text}"}
    assert requests.get(api, headers=headers, timeout=30).status_code == 200

    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Revoke… browser test").click()
    page.get_by_label("Reason").fill("leaked")
    page.get_by_role("button", name="Revoke").click()

    expect(page.get_by_role("row", name=re.compile("browser test"))).to_contain_text("Revoked")
    assert requests.get(api, headers=headers, timeout=30).status_code == 401
    console.open("audit/")
    expect(page.get_by_role("row", name=re.compile("revoked: leaked"))).to_contain_text("user:admin")


def test_who_may_see_no_values_gets_none_live_either(console: Console) -> None:
    console.site.python(_MAKE_BLIND)
    execution_id = console.submit(PAY, LARGE)
    context = console.page.context
    context.clear_cookies()
    page = context.new_page()
    frames: list[str] = []

    def note(frame: object) -> None:
        frames.append(str(frame))

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    page.goto(console.base)
    page.fill("#id_username", "blind")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.goto(f"{console.base}executions/{execution_id}/events/")

    expect(page.locator("#live")).to_contain_text("Live")
    expect(page.locator("#facts")).to_contain_text("list of")
    expect(page.get_by_role("link", name="Raw")).to_have_count(0)
    # It goes on live.
    console.pause(execution_id)
    expect(page.locator("#events")).to_contain_text("paused")
    assert str(LARGE["cents"]) not in page.content()
    assert frames
    assert not any(str(LARGE["cents"]) in frame for frame in frames)


def test_pages_of_people_and_groups_work_under_the_policy(console: Console) -> None:
    page = console.open("auth/group/")
    page.get_by_role("link", name="viewer").click()
    page.locator("#id_name").fill("viewer")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator("body")).to_contain_text("was changed successfully")


def test_pictures_for_the_documentation(console: Console, screenshots: Path) -> None:
    execution_id = console.submit(PAY, LARGE)
    console.site.check("execution", "pause", execution_id, "--reason", "the customer rang and wants to wait")
    console.site.check("execution", "unpause", execution_id)
    page = console.page
    for name in ("audit", "tokens", "storage"):
        console.open(f"{name}/")
        page.screenshot(path=screenshots / f"{name}.png")
