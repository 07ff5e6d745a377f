"""How soon a timeline of 50,000 executions is there, and how long a step of its zoom takes: ``python -m bench.zoom``.

In a real Chromium before a real web server: from the click to the painted answer. Half of the executions are children
of one workflow, the others those of its 250 other children.
"""

from __future__ import annotations

import os
import shutil
import statistics
from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.measures import SERIAL
from bench.site import Bench, fresh_directory, set_up_site
from bench.web import login, web_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from executions.models import Execution

FAMILIES = 250
MEMBERS = 100
ZOOMS = 8
"""In, and out again."""
_GROUP = ".*testing:fibo/fibo.fibo"
_OPENED = {"folded": ".", "the group of many open": f". {_GROUP}"}
_ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
_SHOWN = """() => new Promise((done) => {
  const painted = () => requestAnimationFrame(() => setTimeout(() => done(performance.now())));
  const isThere = () => document.querySelector("#timeline:not(.tl-loading) .tl-row");
  const look = () => (isThere() ? painted() : setTimeout(look, 5));
  look();
})"""
_STEP = """(selector) => new Promise((done) => {
  const began = performance.now();
  let answered = 0;
  new PerformanceObserver((answers, observer) => {
    answered = answers.getEntries().at(-1).duration;
    observer.disconnect();
  }).observe({ type: "resource" });
  new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => done([performance.now() - began, answered])));
  }).observe(document.querySelector("#timeline .tl-slice"), { childList: true, subtree: true });
  document.querySelector(selector).click();
})"""
_SHAPES = "() => document.querySelectorAll('#timeline svg *').length"


def main() -> None:
    """Measure and print medians."""
    with fresh_directory() as directory:
        os.environ["OBELISK_DATA_DIR"] = str(directory)
        set_up_site()
        with Bench() as bench:
            root, family = (bench.submit(SERIAL, [10, 1]) for _ in range(2))
            bench.wait(root)
            bench.wait(family)
        _grow(root, family)
        with web_server() as (port, _):
            _measure(port, root, login())


def _grow(root: str, family: str) -> None:
    """Give the one workflow children until there are enough of them: copies of its own, and of the other workflow."""
    from executions.models import Event, Execution

    child = Execution.objects.get(parent_id=root)
    parent, member = Execution.objects.get(pk=family), Execution.objects.get(parent_id=family)
    prefix = child.pk.rpartition("_")[0]
    join_set = prefix.rpartition(".")[2]
    templates = {each.pk: list(Event.objects.filter(execution_id=each.pk)) for each in (child, parent, member)}
    count = FAMILIES * (MEMBERS + 1)
    executions, events = [], []

    def put(template: Execution, execution_id: str, parent_id: str, later_ms: int) -> None:
        later = timedelta(milliseconds=later_ms)
        made = copy(template)
        made.execution_id, made.parent_id = execution_id, parent_id
        made.created_at += later
        made.due_at += later + timedelta(milliseconds=later_ms * 7919 % 5000)
        made.result_kind = "error" if later_ms % 100 == 0 else "ok"
        executions.append(made)
        for event in templates[template.pk]:
            written = copy(event)
            written.id, written.execution_id = None, execution_id
            written.created_at += later
            events.append(written)

    for number in range(2, count + 1):
        put(child, f"{prefix}_{number}", root, number)
    for number in range(count + 1, count + FAMILIES + 1):
        put(parent, f"{prefix}_{number}", root, number)
        for index in range(1, MEMBERS + 1):
            put(member, f"{prefix}_{number}.{join_set}_{index}", f"{prefix}_{number}", number + 50 * index)
    Execution.objects.bulk_create(executions, batch_size=2000)
    Event.objects.bulk_create(events, batch_size=5000)


def _measure(port: int, root: str, cookie: str) -> None:
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("This takes Chromium: apt-get install chromium")
    address = f"http://127.0.0.1:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=False, args=_ARGUMENTS)
        context = browser.new_context(viewport={"width": 1600, "height": 1000})
        name, _, value = cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": address}])
        page = context.new_page()
        # A process's own beginning is not part of it.
        page.goto(f"{address}/admin/executions/")
        for title in ("first look, the tree is not read yet", "first look, the tree is known"):
            page.goto(f"{address}/admin/executions/{root}/timeline/")
            print(f"{title}: {page.evaluate(_SHOWN):.0f} ms, {page.evaluate(_SHAPES)} shapes")
        for title, opened in _OPENED.items():
            page.goto(f"{address}/admin/executions/{root}/timeline/?open={quote(opened)}")
            page.evaluate(_SHOWN)
            _zoom(page, title)
        browser.close()


def _zoom(page: Page, title: str) -> None:
    for direction in ("in", "out"):
        steps = [page.evaluate(_STEP, f'#timeline [data-do="{direction}"]') for _ in range(ZOOMS)]
        whole, answers = ([step[part] for step in steps] for part in (0, 1))
        print(
            f"{title}, {direction}: median {statistics.median(whole):.0f} ms, longest {max(whole):.0f} ms, "
            f"of it the server {statistics.median(answers):.0f} ms; {page.evaluate(_SHAPES)} shapes"
        )


if __name__ == "__main__":
    main()
