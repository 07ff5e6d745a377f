"""What people do in the console, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.acceptance.api_client import Client
from tests.acceptance.sites import Site
from tests.harness.eventually import eventually

STARS_SECRET = "what the provider of the example's webhook signs with"
T = TypeVar("T")


def apart(call: Callable[[], T]) -> T:
    """Do something on a thread of its own: on this one runs the event loop of the browser's driver."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


def submit(site: Site, ffqn: str, *params: Any) -> str:
    """Start an execution through the API, as a command would take seconds to start; return its id."""
    status, document = _api(site).send("POST", "executions", {"ffqn": ffqn, "params": params})
    assert status == 201, document
    return str(document["ok"])


def _api(site: Site) -> Client:
    return Client(site.port, (site.data_dir / "api_token").read_text().strip())


class Console:
    """One tab of a browser.

    Args:
        site: What it looks at.
        page: The tab.
        password: Of the site's administrator.

    Attributes:
        complaints: What the browser wrote as errors, such as what the policy of contents forbids.
    """

    def __init__(self, site: Site, page: Page, password: str) -> None:
        self.site = site
        self.page = page
        self.complaints: list[str] = []
        self.password = password
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @property
    def base(self) -> str:
        """The console's address."""
        return f"http://127.0.0.1:{self.site.port}/admin/"

    def log_in(self) -> None:
        """Enter as the administrator."""
        self.page.goto(self.base)
        self.page.fill("#id_username", "admin")
        self.page.fill("#id_password", self.password)
        self.page.click("button[type=submit]")
        expect(self.page).to_have_url(self.base)

    def open(self, path: str) -> Page:
        """Open a page."""
        self.page.goto(f"{self.base}{path}")
        return self.page

    def submit(self, ffqn: str, *params: Any, settled: bool = True) -> str:
        """Start an execution beside the browser; return its id.

        Args:
            ffqn: What to call.
            params: With what.
            settled: Whether to return only when it waits or has ended, so that lists by status have it.
        """
        execution_id = submit(self.site, ffqn, *params)
        if settled:
            eventually(lambda: self._status(execution_id) not in ("pending_at", "locked"))
        return execution_id

    def _status(self, execution_id: str) -> str:
        _, document = _api(self.site).send("GET", f"executions/{execution_id}/status")
        return str(document["pending_state"]["status"])

    def pause(self, execution_id: str) -> None:
        """Pause an execution beside the browser."""
        status, document = _api(self.site).send("PUT", f"executions/{execution_id}/pause")
        assert status == 200, document

    def expect_live(self, word: str = "Live") -> None:
        """Wait until the page says how fresh it is."""
        expect(self.page.locator("#live")).to_contain_text(word)

    def picture(self, path: Path, *, most_height: int = 1600) -> None:
        """Take a picture of a page in a window that is as high as the page, up to a height in pixels.

        Playwright's own picture of a whole page leaves out as much at its right as a scroll bar is wide.
        """
        # Colours of what has just changed fade, which a picture would stop halfway.
        self.page.emulate_media(reduced_motion="reduce")
        size = self.page.viewport_size
        assert size is not None
        height = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size({"width": size["width"], "height": min(max(height, size["height"]), most_height)})
        self.page.wait_for_load_state("networkidle")
        self.page.screenshot(path=path)
        self.page.set_viewport_size(size)

    def find_task(self, execution_id: str, page: Page | None = None) -> Locator:
        """Open the page of the inbox with the task of an execution; return its entry.

        Args:
            execution_id: The execution whose child somebody is to answer.
            page: The tab.
        """
        page = page or self.page
        task = page.locator(f'[data-key^="{execution_id}."]')
        page.goto(f"{self.base}tasks/")
        # Other tests leave tasks, and those that wait longest come first.
        while task.count() == 0 and page.locator("a[rel=next]").count():
            with page.expect_navigation():
                page.locator("a[rel=next]").click()
        return task

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location['url']})")
