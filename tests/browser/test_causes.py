"""A limit that is reached and an executor that is killed: open pages name the cause by themselves."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.sites import Site
from tests.browser.people import Console, apart
from tests.browser.test_parts import another_web_process, is_open
from tests.harness.eventually import eventually

HOLD = "test:causes/work.hold"
_DEPLOYMENT = f"""
[[activity_js]]
name = "holder"
ffqn = "{HOLD}"
content = 'export default async (url) => {{ await fetch(url); return "held"; }}'
params = [{{ name = "url", type = "string" }}]
return_type = "result<string, string>"
exec.instance_limiter = 1
exec.lock_expiry = {{ seconds = 20 }}
allowed_host = [{{ pattern = "http://127.0.0.1:*", methods = ["GET"] }}]
"""
_LOGIN = """
import json
from django.conf import settings
from executions.access.first_token import ensure_token
from executions.first_admin import ensure_admin
ensure_token(settings.OBELISK_DATA_DIR / "api_token")
print(json.dumps(ensure_admin(settings.OBELISK_DATA_DIR / "admin_password")))
"""


@pytest.fixture
def nobody_answers() -> Iterator[str]:
    """The address of a server that takes requests and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.fixture
def apart_console(tmp_path: Path, context: BrowserContext) -> Iterator[Console]:
    """The console of a site whose executor can be killed without another one taking its place."""
    site = Site(tmp_path, {"OBELISK_OUTBOUND_HOSTS": "http://127.0.0.1:*"})
    deployment = tmp_path / "deployment.toml"
    deployment.write_text(_DEPLOYMENT)
    try:
        site.migrate()
        site.check("deploy", str(deployment))
        password = site.python(_LOGIN)
        with another_web_process(site, site.port):
            eventually(lambda: is_open(site.port))
            console = Console(site, context.new_page(), password)
            console.log_in()
            yield console
            assert console.complaints == []
    finally:
        site.kill()


def expect_banner(page: Page, text: str) -> None:
    """Wait until the page, which is not loaded again, says why."""
    expect(page.locator("#head .ob-banner").first).to_contain_text(re.compile(text), timeout=60_000)


def test_pages_name_the_limit_and_then_that_the_executor_is_gone(apart_console: Console, nobody_answers: str) -> None:
    console, site = apart_console, apart_console.site
    executor = apart(site.start_executor)
    held = console.submit(HOLD, nobody_answers, settled=False)
    page = console.open(f"executions/{held}/")
    expect_banner(page, r"It is running on Exr_\w+, whose lock lasts until \d\d:\d\d:\d\d UTC\.")
    waiting = console.submit(HOLD, nobody_answers, settled=False)
    other = page.context.new_page()
    other.goto(f"{console.base}executions/{waiting}/")
    expect_banner(
        other, r"It is due and waits for one of the 1 runs of holder \(E_\w+\) to end: at most 1 go on in an executor"
    )

    os.killpg(executor.pid, signal.SIGKILL)

    expect_banner(other, "It is due, but no executor is alive; start one with")
    expect_banner(page, r"It was running on Exr_\w+, whose lock expired at .*; but no executor is alive")
    expect(page.locator("#head .ob-badge").first).to_have_text(re.compile("Lock expired"))
    console.expect_live()
