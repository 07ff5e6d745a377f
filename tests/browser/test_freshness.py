"""What a page says of how fresh it is, when the server, the network, the database or the browser fail it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.acceptance.sites import Site, unused_port
from tests.browser.people import Console, apart
from tests.browser.test_console import LARGE, PAY
from tests.browser.test_parts import Log, another_web_process, is_open, open_log, versions
from tests.harness.eventually import eventually

_SOCKET = re.compile("/admin/live/")
#: What stands on the page in relation to the present.
_CLOCKS = "[...document.querySelectorAll('time[datetime], [data-since]')].map(each => each.textContent).join()"


class Wire:
    """The socket between page and server, which a test can hold up on either way.

    Args:
        page: Whose; it is opened afterwards.

    Attributes:
        is_cut: Whether nothing of the server arrives, without the page being told.
        holds_acks: Whether what the page acknowledges does not arrive.
        frames: What came of the server, but for signs of life and greetings.
        farewells: Why the server ended connections.
    """

    def __init__(self, page: Page) -> None:
        self.is_cut = False
        self.holds_acks = False
        self.frames: list[str] = []
        self.farewells: list[str] = []
        self._server: WebSocketRoute | None = None
        self._acks: list[str] = []
        page.route_web_socket(_SOCKET, self._open)

    def let_one_ack_through(self) -> None:
        """Let the server know of one frame that it has arrived."""
        assert self._server is not None
        self._server.send(self._acks.pop(0))

    @property
    def held_acks(self) -> int:
        """How many acknowledgements are held up."""
        return len(self._acks)

    def _open(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        self._server = server

        def from_page(message: str | bytes) -> None:
            if self.holds_acks and json.loads(message)["t"] == "ack":
                self._acks.append(str(message))
            else:
                server.send(message)

        def from_server(message: str | bytes) -> None:
            said = json.loads(message)
            if said["t"] == "frame":
                self.frames.append(str(message))
            if said["t"] == "bye":
                self.farewells.append(said["why"])
            if not self.is_cut:
                page.send(message)

        page.on_message(from_page)
        server.on_message(from_server)


@contextmanager
def without_sessions(site: Site) -> Iterator[None]:
    """Take away what every look of the console at the database begins with."""
    apart(lambda: site.query("ALTER TABLE django_session RENAME TO django_session_away"))
    try:
        yield
    finally:
        apart(lambda: site.query("ALTER TABLE django_session_away RENAME TO django_session"))


@pytest.fixture
def log(site: Site) -> Log:
    return Log(site, length=10)


def test_a_page_whose_server_was_killed_says_so_within_a_second(console: Console, log: Log) -> None:
    port = unused_port()
    page = console.page
    page.clock.install()
    with another_web_process(console.site, port) as process:
        eventually(lambda: is_open(port))
        page.goto(f"http://127.0.0.1:{port}/admin/executions/{log.id}/events/")
        console.expect_live()
        said = page.evaluate_handle("""() => new Promise(resolve => {
          const look = () => document.getElementById("live").dataset.state === "reconnecting" && resolve(Date.now());
          new MutationObserver(look).observe(document.getElementById("live"), { attributes: true });
        }).then(at => { window.saidAt = at; }) && null""")
        said.dispose()
        offset_s = page.evaluate("Date.now()") / 1000 - time.time()
        process.kill()
        killed_s = time.time() + offset_s
        expect(page.locator("#live")).to_contain_text("Reconnecting, last ")

    assert page.evaluate("window.saidAt") / 1000 - killed_s < 1
    before = page.evaluate(_CLOCKS)
    page.clock.fast_forward(5_000)
    assert page.evaluate(_CLOCKS) == before
    console.complaints.clear()  # of the attempts while nobody answered


def test_a_page_that_hears_nothing_is_stale_and_its_clocks_stand_still(console: Console, log: Log) -> None:
    console.page.clock.install()
    wire = Wire(console.page)
    page = open_log(console, log)
    running = page.evaluate(_CLOCKS)
    # A frame sets them by the server's clock, for which no time has been let pass.
    page.wait_for_function(f"before => {_CLOCKS} !== before", arg=running)
    expect(page.locator("#live")).to_contain_text("Live")

    wire.is_cut = True
    page.clock.fast_forward(13_000)

    expect(page.locator("#live")).to_contain_text("Stale since")
    expect(page.locator("body")).to_have_class(re.compile("ob-stale"))
    stopped = page.evaluate(_CLOCKS)
    page.clock.fast_forward(60_000)
    assert page.evaluate(_CLOCKS) == stopped
    wire.is_cut = False
    page.clock.fast_forward(13_000)
    console.expect_live()


def test_a_web_process_without_its_database_lets_pages_turn_stale(console: Console, log: Log) -> None:
    console.page.clock.install()
    wire = Wire(console.page)
    page = open_log(console, log)

    with without_sessions(console.site):
        page.clock.fast_forward(13_000)

        eventually(lambda: page.evaluate("1") and "The database does not answer." in wire.farewells)
        expect(page.locator("#live")).to_contain_text("Stale since")
    page.clock.fast_forward(6_000)

    console.expect_live()


def test_a_slow_page_gets_one_frame_at_a_time_and_in_the_end_all_of_it(console: Console) -> None:
    port = unused_port()
    page, log = console.page, Log(console.site)
    wire = Wire(page)
    with another_web_process(console.site, port) as process:
        eventually(lambda: is_open(port))
        page.goto(f"http://127.0.0.1:{port}/admin/executions/{log.id}/events/")
        console.expect_live()
        memory = psutil.Process(process.pid)
        wire.holds_acks = True
        log.grow(20)
        eventually(lambda: page.evaluate("1") and wire.held_acks)
        begun, frames = memory.memory_info().rss, len(wire.frames)

        for acknowledged in range(10):
            log.grow(100)
            # Nothing follows a frame until it is acknowledged, whatever happens meanwhile.
            assert len(wire.frames) == frames + acknowledged
            wire.let_one_ack_through()
            eventually(lambda: page.evaluate("1") and wire.held_acks)
        grown = memory.memory_info().rss - begun
        wire.holds_acks = False
        wire.let_one_ack_through()

        expect(page.locator(f"#event-{log.length - 1}")).to_be_visible()
        shown = versions(page)
        assert shown == list(range(log.length - len(shown), log.length))
        assert grown < 16 << 20, f"the web process grew by {grown:,} bytes"


def test_hidden_for_ten_minutes_a_page_is_right_within_a_second(console: Console, log: Log) -> None:
    console.page.clock.install()
    page = open_log(console, log)
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)

    log.grow(30)
    page.clock.fast_forward(600_000)
    expect(page.locator("#live")).to_contain_text("Live")
    page.evaluate(hide, False)

    expect(page.locator(f"#event-{log.length - 1}")).to_be_visible(timeout=1_000)
    assert versions(page) == list(range(log.length))


@pytest.mark.parametrize("wrong_by", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_ages_are_right_however_wrong_the_browsers_clock_is(console: Console, wrong_by: timedelta) -> None:
    console.page.clock.install(time=datetime.now(UTC) + wrong_by)
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/{execution_id}/events/")
    console.expect_live()
    page.clock.fast_forward(1_000)

    ages = page.locator("time.ob-time").all_text_contents()

    assert ages
    assert [age for age in ages if not re.fullmatch(r"now|\d+ s ago", age)] == []


def test_what_somebody_is_busy_with_for_long_is_told_of(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    console.page.clock.install()
    page = console.open(f"executions/{execution_id}/")
    console.expect_live()
    page.evaluate("window.getSelection().selectAllChildren(document.querySelector('#head .ob-banner'))")

    console.pause(execution_id)
    expect(page.locator("#events")).to_contain_text("paused")
    expect(page.locator("#head")).not_to_contain_text("is paused")
    page.clock.fast_forward(10_000)
    expect(page.locator("#held-pill")).to_have_count(0)
    page.clock.fast_forward(21_000)

    expect(page.locator("#held-pill")).to_have_text("Updates held")
    page.locator("#held-pill").click()
    expect(page.locator("#head")).to_contain_text("It is paused")
    expect(page.locator("#held-pill")).to_have_count(0)
