"""Events, log, requests and responses of an execution in a real browser, while they come and however many there are."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from engine.clock import SystemClock
from engine.journal.records import HttpExchange, LogLine, Write
from engine.log import events as e
from engine.log.ids import ExecutionId, make_execution_id
from engine.log.return_values import JsonText, Returned, TypedValue
from executions.journal.journal import SqlJournal
from tests.acceptance.sites import REPOSITORY, Site, unused_port
from tests.browser.people import Console, apart
from tests.browser.test_console import FIBO, LARGE, PAY
from tests.builders import (
    make_append,
    make_created,
    make_http_exchange,
    make_log_line,
    make_submit,
)
from tests.engine.journal.commits import commit
from tests.harness.eventually import eventually

_U64 = "18446744073709551615"
_ROWS = "#events > tr[data-key]"
_WINDOW = '[data-window="events"]'


class Log:
    """The log of an execution that nobody runs: it grows when the test says so.

    Args:
        site: Where it is.
        length: Events to begin with.
        params: JSON text of its parameters.
    """

    def __init__(self, site: Site, length: int = 1, params: str = "[]") -> None:
        self._site = site
        now = SystemClock().now()
        self.id: ExecutionId = make_execution_id(now, os.urandom(10))
        self.length = length
        created = make_created(params=params, scheduled_at=now.replace(year=now.year + 1))
        submission = make_submit(self.id, created, *self._events(1, length), at=now)
        apart(lambda: self._commit([submission]))

    def grow(self, count: int) -> None:
        """Append so many events, each in a transaction of its own."""
        events = enumerate(self._events(self.length, self.length + count), start=self.length)
        now = SystemClock().now()
        apart(lambda: self._commit([make_append(self.id, event, expected=at, at=now) for at, event in events]))
        self.length += count

    def flood(self, count: int) -> None:
        """Append so many events in one transaction: more than a frame brings."""
        now = SystemClock().now()
        events = self._events(self.length, self.length + count)
        apart(lambda: self._commit([make_append(self.id, *events, expected=self.length, at=now)]))
        self.length += count

    def end(self, value: str) -> None:
        """Append its end, with a result as JSON text."""
        now = SystemClock().now()
        finished = e.Finished(retval=Returned(ok=True, payload=TypedValue("tuple<u64, string>", JsonText(value))))
        write = make_append(self.id, finished, expected=self.length, at=now)
        apart(lambda: self._commit([write]))
        self.length += 1

    def write(self, *lines: LogLine) -> None:
        """Add log lines."""
        apart(lambda: self._with_journal(lambda journal: journal.add_log_lines(lines)))

    def request(self, *exchanges: HttpExchange) -> None:
        """Add HTTP requests."""
        apart(lambda: self._with_journal(lambda journal: journal.add_http_exchanges(exchanges)))

    def _commit(self, writes: Sequence[Write]) -> None:
        self._with_journal(lambda journal: [commit(journal, write) for write in writes])

    def _with_journal(self, work: Callable[[SqlJournal], object]) -> None:
        with self._site.journal() as journal:
            work(journal)

    def _events(self, first: int, behind: int) -> list[e.ExecutionEvent]:
        return [e.Paused() if version % 2 else e.Unpaused() for version in range(first, behind)]


@pytest.fixture
def log(site: Site) -> Log:
    return Log(site, length=400)


def open_log(console: Console, log: Log, query: str = "") -> Page:
    page = console.open(f"executions/{log.id}/events/{query}")
    console.expect_live()
    return page


def versions(page: Page) -> list[int]:
    keys: list[int] = page.locator(_ROWS).evaluate_all("rows => rows.map(row => Number(row.dataset.key))")
    return keys


def is_in_sight(page: Page, version: int) -> bool:
    """Tell whether a row is within what the window shows."""
    seen = """(version) => {
      const row = document.getElementById(`event-${version}`)?.getBoundingClientRect();
      const frame = document.querySelector('[data-window="events"]').getBoundingClientRect();
      return row !== undefined && row.top >= frame.top && row.bottom <= frame.bottom + 1;
    }"""
    return bool(page.evaluate(seen, version))


def test_events_come_by_themselves_and_the_end_is_followed(console: Console, log: Log) -> None:
    page = open_log(console, log)

    log.grow(100)

    expect(page.locator(f"#event-{log.length - 1}")).to_be_visible()
    eventually(lambda: is_in_sight(page, log.length - 1))
    shown = versions(page)
    assert shown == list(range(log.length - len(shown), log.length))
    assert len(shown) <= 200


def test_in_a_flood_the_newest_events_come_with_the_frame(console: Console, log: Log) -> None:
    page = open_log(console, log)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    for _ in range(3):
        log.flood(300)
        expect(page.locator(f"#event-{log.length - 1}")).to_be_visible()
        eventually(lambda: is_in_sight(page, log.length - 1))
        shown = versions(page)
        assert shown == list(range(log.length - len(shown), log.length))
        assert len(shown) <= 200
    assert [url for url in asked if "/rows/" in url] == []

    # What was left out is read where somebody looks.
    page.locator(_WINDOW).evaluate("element => element.scrollTop = element.scrollHeight / 2")
    expect(page.locator("[data-range]")).to_contain_text(re.compile("^6[0-9]{2} to"))
    eventually(lambda: is_in_sight(page, 660))
    shown = versions(page)
    assert shown == list(range(shown[0], shown[-1] + 1))
    assert [url for url in asked if "/rows/" in url] != []


def test_in_a_flood_what_one_may_do_is_asked_for_once_a_second(console: Console, log: Log) -> None:
    page = open_log(console, log)
    offered = page.locator("#actions").get_by_role("link")
    expect(offered.first).to_have_accessible_name("Unpause")

    log.grow(151)

    expect(offered.first).to_have_accessible_name("Pause")
    asked: list[list[float]] = page.evaluate(
        """() => performance.getEntriesByType("resource")
          .filter((entry) => entry.initiatorType === "fetch" && entry.name === window.location.href)
          .map((entry) => [entry.startTime, entry.responseEnd])"""
    )
    assert asked
    assert all(later[0] - earlier[1] > 900 for earlier, later in pairwise(asked))


def test_whoever_reads_further_up_stays_there_and_is_told_how_many_are_new(console: Console, log: Log) -> None:
    page = open_log(console, log)
    page.locator(_WINDOW).evaluate("element => element.scrollTop = element.scrollHeight / 2")
    expect(page.locator("[data-range]")).to_contain_text(re.compile("^(1[0-9]{2}|2[0-9]{2}) to"))
    place = "[...document.querySelectorAll('#events > tr')].map(row => [row.id, row.getBoundingClientRect().top])"
    before = dict(page.evaluate(place))

    log.grow(20)

    expect(page.locator("#live-pill")).to_have_text("↓ 20 new")
    after = dict(page.evaluate(place))
    assert before.items() <= after.items()
    page.locator("#live-pill").click()
    eventually(lambda: is_in_sight(page, log.length - 1))
    expect(page.locator("#live-pill")).to_have_count(0)


def test_a_selection_survives_a_hundred_updates(console: Console, log: Log) -> None:
    page = open_log(console, log)
    selected = "document.querySelector('#events > tr:last-child .ob-kind')"
    page.evaluate(f"window.getSelection().selectAllChildren({selected})")
    text = page.evaluate("window.getSelection().toString()")

    log.grow(100)

    expect(page.locator("#count-events")).to_have_text(f"{log.length:,}")
    assert page.evaluate("window.getSelection().toString()") == text != ""


def test_what_comes_while_nobody_looks_is_there_when_somebody_does(console: Console, log: Log) -> None:
    page = open_log(console, log)
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)

    log.grow(30)
    page.evaluate(hide, False)

    expect(page.locator(f"#event-{log.length - 1}")).to_be_visible()
    shown = versions(page)
    assert shown == list(range(log.length - len(shown), log.length))


def test_held_means_that_nothing_changes(console: Console, log: Log) -> None:
    page = open_log(console, log)
    page.keyboard.press("p")
    console.expect_live("Held by you")

    log.grow(5)
    page.keyboard.press("p")

    console.expect_live("Live")
    expect(page.locator(f"#event-{log.length - 1}")).to_be_visible()
    shown = versions(page)
    assert shown == list(range(log.length - len(shown), log.length))


def test_a_page_asks_nothing_by_itself(console: Console, log: Log) -> None:
    sockets: list[WebSocket] = []

    def note(socket: WebSocket) -> None:
        sockets.append(socket)

    console.page.on("websocket", note)
    page = open_log(console, log)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    with sockets[-1].expect_event("framereceived", lambda frame: '"t":"beat"' in frame):
        pass

    assert asked == []


def test_a_final_page_has_no_socket_any_more(console: Console) -> None:
    page = console.open(f"executions/{console.submit(FIBO, 5, 3)}/events/")

    console.expect_live("Final")
    assert page.evaluate("window.livePage.socket === undefined || window.livePage.socket.readyState >= 2")


@contextmanager
def another_web_process(site: Site, port: int) -> Iterator[subprocess.Popen[bytes]]:
    options = ["-b", "127.0.0.1", "-p", str(port), "--access-log", os.devnull]
    command = [sys.executable, "-m", "daphne", *options, "obelisk_site.asgi:application"]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=site.environment(), stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_nothing_is_missing_or_there_twice_after_the_web_process_was_killed(console: Console, log: Log) -> None:
    port = unused_port()
    page = console.page
    address = f"http://127.0.0.1:{port}/admin/executions/{log.id}/events/"
    with another_web_process(console.site, port):
        eventually(lambda: page.request.get(address, fail_on_status_code=False).ok if is_open(port) else False)
        page.goto(address)
        console.expect_live()
        log.grow(10)
        expect(page.locator(f"#event-{log.length - 1}")).to_be_visible()
    expect(page.locator("#live")).to_contain_text(re.compile("Reconnecting|Stale since"))
    log.grow(150)

    with another_web_process(console.site, port):
        console.expect_live()
        expect(page.locator(f"#event-{log.length - 1}")).to_be_visible()
        shown = versions(page)
        assert shown == list(range(log.length - len(shown), log.length))
    console.complaints.clear()  # of the attempts while nobody answered


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_ten_thousand_events_are_a_window_wherever_somebody_looks(console: Console) -> None:
    log = Log(console.site, length=10_000)
    page = open_log(console, log)
    eventually(lambda: is_in_sight(page, 9_999))

    page.get_by_placeholder("Event no.").fill("5000")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#event-5000")).to_have_class(re.compile("ob-at"))
    assert is_in_sight(page, 5_000)
    assert page.url.endswith("#v5000")
    for share, shown in ((0.2, "^(1,9|2,0)"), (0.9, "^(8,9|9,0)"), (0.0, "^0 to")):
        page.locator(_WINDOW).evaluate("(element, share) => element.scrollTop = element.scrollHeight * share", share)
        expect(page.locator("[data-range]")).to_contain_text(re.compile(shown))
        assert len(versions(page)) <= 200

    expect(page.locator("#event-0")).to_be_visible()


def test_scrolling_leads_over_all_events_of_a_filtered_log(console: Console) -> None:
    log = Log(console.site, length=1_000)
    page = open_log(console, log, "?kind=unpaused")
    seen = set(versions(page))

    for _ in range(40):
        page.locator(_WINDOW).evaluate("element => element.scrollTop = 0")
        page.wait_for_function("!document.querySelector('#events').dataset.loading")
        seen |= set(versions(page))
        if 2 in seen:
            break

    assert seen == set(range(2, 1_000, 2))
    assert len(versions(page)) <= 200


def test_a_submission_is_followed_to_its_await_and_its_value_copied(console: Console) -> None:
    console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    execution_id = console.submit(FIBO, 7, 2)
    page = console.open(f"executions/{execution_id}/events/?kind=submits")

    page.get_by_role("button", name=re.compile("Show event")).first.click()
    opened = page.locator(".ob-opened")
    expect(opened).to_contain_text("Awaited by")
    opened.get_by_text("params", exact=True).click()
    expect(opened.locator(".ob-pointer")).to_have_text("/history_event/event/request/params")
    opened.get_by_role("button", name="Copy value").click()
    expect(opened.get_by_role("button", name="Copied")).to_be_visible()

    assert page.evaluate("navigator.clipboard.readText()") == "[7]"
    opened.get_by_role("link", name=re.compile("^event ")).click()
    expect(page.locator(".ob-at")).to_contain_text("awaits")


def test_a_value_of_five_megabytes_leaves_the_page_usable(console: Console) -> None:
    log = Log(console.site, params=json.dumps([int(_U64), "x" * 5_000_000]))
    page = console.open(f"executions/{log.id}/")
    console.expect_live()

    expect(page.locator("#facts")).to_contain_text(_U64)
    page.get_by_text(re.compile("Show the next")).first.click()

    expect(page.locator("#facts .ob-piece")).to_have_count(2)
    assert page.evaluate("document.body.textContent.length") < 300_000
    log.grow(1)
    expect(page.locator("#events")).to_contain_text("paused")
    # What was opened stays open.
    expect(page.locator("#facts .ob-piece")).to_have_count(2)


def test_a_result_of_five_megabytes_arrives_live_as_its_beginning(console: Console) -> None:
    log = Log(console.site)
    page = console.open(f"executions/{log.id}/")
    console.expect_live()

    log.end(json.dumps([int(_U64), "x" * 5_000_000]))

    console.expect_live("Final")
    expect(page.locator("#facts")).to_contain_text(_U64)
    assert page.evaluate("document.body.textContent.length") < 300_000
    page.get_by_text(re.compile("Show the next")).first.click()
    expect(page.locator("#facts .ob-piece")).to_have_count(2)


def test_log_lines_and_requests_come_by_themselves(console: Console, log: Log) -> None:
    page = console.open(f"executions/{log.id}/logs/")
    console.expect_live()
    log.write(make_log_line(log.id, message=f"<b>{log.id}</b>"))

    # A link, and no markup of somebody else's.
    expect(page.locator("#logs a").filter(has_text=log.id)).to_be_visible()
    expect(page.locator("#logs")).to_contain_text("<b>")

    page = console.open(f"executions/{log.id}/http/")
    console.expect_live()
    log.request(make_http_exchange(log.id, status=503))

    expect(page.locator("#http")).to_contain_text("503")


def test_a_bar_of_the_timeline_leads_to_its_events(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    page = console.open(f"executions/{execution_id}/timeline/")
    expect(page.locator(".tl-row").nth(1)).to_be_visible()

    page.locator(".tl-chart").click(position={"x": 300, "y": 36})

    expect(page.locator(".tl-links")).to_contain_text("Submitted by")
    page.locator(".tl-links").get_by_role("link", name=re.compile("^event ")).click()
    expect(page.locator(".ob-at")).to_contain_text(re.compile("child submitted|delay requested"))


def test_a_step_of_the_zoom_draws_the_bars_anew_and_leaves_the_names(console: Console) -> None:
    execution_id = console.submit(FIBO, 10, 20)
    page = console.open(f"executions/{execution_id}/")
    console.expect_live("Final")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/timeline/window/" in request.url else None)
    console.open(f"executions/{execution_id}/timeline/")
    names = page.locator("#timeline .tl-row")
    expect(names.nth(1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert len(asked) == 1, "also when the rows bring the page's scroll bar"
    names.evaluate_all("rows => rows.forEach((row) => (row.wasThere = true))")

    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator("#timeline .tl-window")).to_contain_text("from")

    # Of the workflow's own log less is read, so less is said of it.
    assert names.evaluate_all("rows => rows.slice(1).every((row) => row.wasThere)")
    assert page.locator("#timeline .tl-stripe").count() == 1, "only the row that is pointed at is marked"


def test_what_happens_in_a_timeline_comes_with_the_pages_frames(console: Console) -> None:
    execution_id = console.submit(PAY, LARGE)
    sockets: list[WebSocket] = []

    def note(socket: WebSocket) -> None:
        sockets.append(socket)

    console.page.on("websocket", note)
    page = console.open(f"executions/{execution_id}/timeline/")
    expect(page.locator(".tl-row").nth(1)).to_be_visible()
    expect(page.locator("[data-topic]")).to_have_attribute("data-timeline", re.compile("width="))

    with sockets[-1].expect_event("framereceived", lambda frame: '"timeline":{' in frame):
        apart(lambda: console.pause(execution_id))

    expect(page.locator(".tl-row .tl-state").first).to_have_class(re.compile("tl-state-paused"))


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_no_part_is_wider_than_the_window(console: Console, log: Log, width: int) -> None:
    console.page.set_viewport_size({"width": width, "height": 900})
    log.write(make_log_line(log.id, message="x" * 500))
    log.request(make_http_exchange(log.id, url=f"http://a.test/{'y' * 300}"))

    for tab in ("events", "logs", "http", "responses", "raw", "raw/events"):
        page = console.open(f"executions/{log.id}/{tab}/")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab


def test_pictures_of_the_parts(console: Console, screenshots: Path) -> None:
    full = console.submit(FIBO, 10, 40)
    empty = Log(console.site)
    apart(lambda: console.site.wait_until_finished(ExecutionId(full)))
    failed = console.submit("example:trips/workflows.tour", "http://127.0.0.1:9", ["Rome"])
    page = console.page

    for name, path in {
        "log": f"executions/{full}/events/?version=40#v40",
        "responses": f"executions/{full}/responses/",
        "responses-empty": f"executions/{empty.id}/responses/",
        "logs": f"executions/{failed}/logs/",
        "logs-empty": f"executions/{empty.id}/logs/",
        "http-empty": f"executions/{empty.id}/http/",
        "raw": f"executions/{empty.id}/raw/",
    }.items():
        console.open(path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=screenshots / f"{name}.png")
