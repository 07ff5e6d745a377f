"""What people do in the console, in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from playwright.sync_api import ConsoleMessage, Page, expect

from tests.acceptance.sites import Site

STARS_SECRET = "what the provider of the example's webhook signs with"
T = TypeVar("T")


def apart(call: Callable[[], T]) -> T:
    """Do something on a thread of its own: on this one runs the event loop of the browser's driver."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


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

    def submit(self, ffqn: str, *params: Any) -> str:
        """Start an execution beside the browser; return its id."""
        return self.site.check("submit", ffqn, json.dumps(params)).lines[0].split()[0]

    def expect_live(self, word: str = "Live") -> None:
        """Wait until the page says how fresh it is."""
        expect(self.page.locator("#live")).to_contain_text(word)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location['url']})")
