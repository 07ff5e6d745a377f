"""Schedules, webhooks and executors in a real browser, on a site that runs."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from tests.acceptance.sites import REPOSITORY, Site
from tests.browser.people import STARS_SECRET, Console
from tests.browser.test_console import FIBO

_LONG = "a-name-of-a-schedule-that-is-so-long-that-it-fits-no-column-of-any-table-there-is-anywhere-in-all-pages"
CRONS = f"""
[[cron]]
name = "nightly"
ffqn = "{FIBO}"
params = "[10, 3]"
schedule = "30 2 * * *"
timezone = "Europe/Berlin"

[[cron]]
name = "{_LONG}"
ffqn = "{FIBO}"
params = "[10, 2]"
schedule = "0 0 1 1 *"
timezone = "America/Argentina/ComodRivadavia"
missed = "skip"
"""


@pytest.fixture(scope="module", autouse=True)
def schedules(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The examples with two schedules are deployed, and afterwards the examples alone."""
    examples = REPOSITORY / "examples"
    folder = tmp_path_factory.mktemp("deployment") / "examples"
    shutil.copytree(examples, folder, ignore=shutil.ignore_patterns("target", "node_modules"))
    file = folder / "deployment.toml"
    file.write_text(file.read_text() + CRONS)
    site.check("deploy", str(file))
    yield
    site.check("deploy", str(examples / "deployment.toml"))


def send_star(site: Site, delivery: str, body: bytes, *, secret: str = STARS_SECRET) -> int:
    """Send what the provider of the example's endpoint would; return the status of the answer."""
    seal = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={seal}", "X-GitHub-Delivery": delivery}
    return requests.post(
        f"http://127.0.0.1:{site.port}/hooks/stars?token=hush", data=body, headers=headers, timeout=60
    ).status_code


def star(login: str) -> bytes:
    event = {"action": "created", "sender": {"login": login}, "repository": {"full_name": "ann/thing"}}
    return json.dumps(event).encode()


def test_a_schedule_is_triggered_and_paused(console: Console) -> None:
    page = console.open("schedules/")
    row = page.locator('tr[data-key="nightly"]')
    expect(row).to_contain_text("OK")  # it was started when it was deployed
    console.expect_live()

    row.locator("summary").click()
    row.get_by_role("link", name="Trigger now").click()
    page.get_by_label("Reason").fill("the books are late")
    page.get_by_role("button", name="Trigger now").click()
    expect(page).to_have_url(re.compile("/executions/E_"))
    expect(page.locator("#facts")).to_contain_text("cron:nightly")

    page = console.open("schedules/")
    console.expect_live()
    console.site.check("cron", "pause", "nightly")
    # Without a reload; what one may do stays in the row.
    expect(row).to_contain_text("Paused")
    row.locator("summary").click()
    row.get_by_role("link", name="Unpause").click()
    page.get_by_role("button", name="Unpause").click()
    expect(page.locator("#schedule")).to_contain_text("the books are late")
    expect(page.locator("#schedule .ob-badge").first).to_contain_text("Active")
    expect(page.locator("#schedule")).to_contain_text("Next 10 runs")


def test_a_tick_is_left_out_on_an_open_page(console: Console) -> None:
    page = console.open("schedules/nightly/")
    console.expect_live()
    first, second = page.locator("#schedule section").first.locator("td:first-child").all_inner_texts()[:2]

    page.get_by_role("link", name="Skip next").click()
    expect(page.locator(".ob-page")).to_contain_text(f"Nothing is started at {first}")
    page.get_by_role("button", name="Skip next").click()

    expect(page.locator("#schedule section").first.locator("td").first).to_contain_text(second)


def test_a_delivery_is_seen_and_replayed(console: Console) -> None:
    page = console.open("webhooks/deliveries/")
    console.expect_live()
    assert send_star(console.site, "browser-1", star("octocat")) == 202

    page.get_by_role("link", name=re.compile("new deliver")).click()
    row = page.locator("#deliveries tr").first
    expect(row).to_contain_text("browser-1")
    expect(row).to_contain_text("token=•••")
    row.get_by_role("link", name=re.compile("^POST")).click()
    expect(page.locator(".ob-page")).to_contain_text("octocat")
    console.expect_live()

    page.get_by_role("link", name="Replay…").click()
    page.get_by_label("Reason").fill("once more, with feeling")
    page.get_by_role("button", name="Replay").click()

    expect(page.locator("#delivery")).to_contain_text("A replay of")
    expect(page.locator("#delivery")).to_contain_text("once more, with feeling")
    expect(page.locator("#delivery .ob-badge").first).to_contain_text("Answered")


def test_a_refused_request_is_told_of_on_an_open_page(console: Console) -> None:
    page = console.open("webhooks/deliveries/")
    console.expect_live()
    assert send_star(console.site, "browser-2", star("mallory"), secret="a guess") == 401

    expect(page.locator("#refused-lately")).to_contain_text("refused in the last hour")
    page.get_by_role("link", name="see why").click()

    row = page.locator(".ob-table tbody tr").first
    expect(row).to_contain_text("POST /stars")
    expect(row).to_contain_text("the signature is not that of this body")
    expect(page.locator("body")).not_to_contain_text("hush")


def test_ages_go_on_while_the_page_is_live(console: Console) -> None:
    page = console.open("executors/")
    console.expect_live()
    alive = page.locator(".ob-executor", has_text="beat")

    expect(alive.first).to_contain_text("Holds no lock.")
    expect(alive.first).to_contain_text(re.compile(r"beat (now|\d s ago)"))
    # The age of a time that no frame has touched since.
    page.evaluate(
        """() => {
            const time = document.querySelector(".ob-page").appendChild(document.createElement("time"));
            time.className = "ob-time";
            time.id = "marker";
            time.dateTime = new Date(Date.now() - 59_000).toISOString();
            time.textContent = "59 s ago";
        }"""
    )
    expect(page.locator("#marker")).to_have_text("1 min ago")


def test_pictures_for_the_documentation(console: Console, screenshots: Path) -> None:
    console.site.check("cron", "pause", _LONG)
    send_star(console.site, "picture-1", star("octocat"))
    send_star(console.site, "picture-2", b"no star at all \xff")
    send_star(console.site, "picture-3", star("mallory"), secret="a guess")
    page = console.open("webhooks/deliveries/")
    failed = page.locator("#deliveries a").first.get_attribute("href")
    assert failed is not None

    for name, path in {
        "schedules": "schedules/",
        "schedule": "schedules/nightly/",
        "executors": "executors/",
        "webhooks": "webhooks/",
        "deliveries": "webhooks/deliveries/",
        "deliveries-empty": "webhooks/deliveries/?endpoint=nobody",
        "refused": "webhooks/refused/",
        "delivery": failed.removeprefix("/admin/"),
    }.items():
        console.open(path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=screenshots / f"{name}.png")
    console.site.check("cron", "unpause", _LONG)


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_no_page_is_wider_than_the_window(console: Console, width: int) -> None:
    console.page.set_viewport_size({"width": width, "height": 900})
    send_star(console.site, f"wide-{width}-{'x' * 100}", star("y" * 200))
    page = console.open("webhooks/deliveries/")
    delivery = page.locator("#deliveries a").first.get_attribute("href")
    assert delivery is not None
    shown = delivery.removeprefix("/admin/")

    for path in (
        "schedules/",
        f"schedules/{_LONG}/",
        f"schedules/{_LONG}/do/pause/",
        "executors/",
        "webhooks/",
        "webhooks/deliveries/",
        "webhooks/refused/",
        shown,
        f"{shown}replay/",
    ):
        page = console.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
