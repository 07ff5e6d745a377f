"""A site of its own with everything running, and a real browser before it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker

from engine.guests.python.build import python_runtime
from tests.acceptance.sites import Site
from tests.browser.people import STARS_SECRET, Console
from tests.harness.python_components import RUNTIMES

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # CI runs as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # It would ask its maker's servers otherwise.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


# The machines that run this share their cores.
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give browser tests time: the first one also starts the site, and machines that run them have other things to do.

    What never comes is found by the browser's own, shorter patience, with a better message.
    """
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session", autouse=True)
def unblocked(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Sites have databases of their own."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium.

    For one module at a time: while Playwright is at work its event loop runs on this thread, where tests of others
    could not run theirs.
    """
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Debian's build has no second, smaller program for tests, so Playwright's own switch is of no use.
        started = playwright.chromium.launch(executable_path=path, headless=False, args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the examples, with a web process and an executor."""
    python_runtime(RUNTIMES)  # building it would take longer than a command may
    # The site would make one up, unless this process had made one up for itself before.
    site = Site(tmp_path_factory.mktemp("console"), {"STARS_SECRET": STARS_SECRET})
    try:
        site.start("serve").wait_for("Ctrl-C stops everything.")
        yield site
    finally:
        site.kill()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A window of the browser that knows nothing yet.

    What the policy of contents forbids fails the test, in any of its tabs.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    violations: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            violations.append(message.text)

    context.on("console", note)
    yield context
    context.close()
    assert violations == []


@pytest.fixture
def console(site: Site, context: BrowserContext) -> Iterator[Console]:
    """The console, with the site's administrator logged in; whatever the browser complains of fails the test."""
    page: Page = context.new_page()
    opened = Console(site, page, (site.data_dir / "admin_password").read_text().strip())
    opened.log_in()
    yield opened
    assert opened.complaints == []


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the pages go, for people to look at; `make screenshots` puts them into docs/."""
    folder = Path(os.environ.get("SCREENSHOTS") or Path(__file__).parents[2] / "var" / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
