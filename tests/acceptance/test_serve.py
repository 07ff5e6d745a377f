"""The whole site from one command, as somebody new to it meets it."""

from __future__ import annotations

import http.cookiejar
import json
import re
import signal
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.guests.python.build import python_runtime
from tests.acceptance.sites import Running, Site
from tests.harness.python_components import RUNTIMES

READY = "Ctrl-C stops everything."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    """A site that was started from nothing, and what it printed until it was ready."""
    python_runtime(RUNTIMES)  # building it would take longer than a command may
    site = Site(tmp_path_factory.mktemp("served"))
    try:
        yield site, site.start("serve").wait_for(READY)
    finally:
        site.kill()


def printed(out: str, label: str) -> str:
    found = re.search(rf"^{label}:\s+(.+)$", out, re.MULTILINE)
    assert found is not None, out
    return found.group(1)


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=20) as response:
        return response.status, response.read().decode()


# --- What it prints ---------------------------------------------------------------------------------------------------


def test_the_headline_job_is_run_and_measured(served: tuple[Site, str]) -> None:
    _, out = served

    assert '  result: {"ok": 55}\n' in out
    assert re.search(r"^  500 durable steps in \d+\.\d{3} s: [\d,]+ steps/s$", out, re.MULTILINE)


def test_the_addresses_are_printed(served: tuple[Site, str]) -> None:
    site, out = served

    assert printed(out, "Data") == str(site.data_dir)
    assert printed(out, "Admin") == f"http://127.0.0.1:{site.port}/admin/"
    assert printed(out, "Health") == f"http://127.0.0.1:{site.port}/healthz"
    assert printed(out, "Hooks") == f"http://127.0.0.1:{site.port}/hooks/"
    assert printed(out, "Try").endswith("manage.py submit testing:fibo-workflow/workflow.fiboa '[10, 500]' --follow")


# --- What it serves ---------------------------------------------------------------------------------------------------


def test_the_site_is_healthy(served: tuple[Site, str]) -> None:
    _, out = served

    assert get(printed(out, "Health")) == (200, '{"status": "ok"}')


def test_the_printed_token_opens_the_api(served: tuple[Site, str]) -> None:
    site, out = served
    api = printed(out, "API").split(" ")[0]
    request = urllib.request.Request(
        f"{api}executions?length=200",
        headers={"Authorization": f"Bearer {printed(out, 'Token')}"},
    )

    with urllib.request.urlopen(request, timeout=20) as response:
        executions = json.loads(response.read())

    assert api == f"http://127.0.0.1:{site.port}/v1/"
    assert "testing:fibo-workflow/workflow.fiboa" in [execution["ffqn"] for execution in executions]
    assert (site.data_dir / "api_token").stat().st_mode & 0o777 == 0o600


def test_the_printed_login_opens_the_admin(served: tuple[Site, str]) -> None:
    _, out = served
    admin = printed(out, "Admin")
    username, password = printed(out, "Login").split(" / ")
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    with browser.open(admin, timeout=20) as page:
        assert (page.status, page.url) == (200, f"{admin}login/?next=/admin/")
        assert "Log in" in page.read().decode()
    token = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
    form = {"username": username, "password": password, "csrfmiddlewaretoken": token, "next": "/admin/"}

    with browser.open(f"{admin}login/", urllib.parse.urlencode(form).encode(), timeout=20) as page:
        assert (page.status, page.url) == (200, admin)
        assert "Log out" in page.read().decode()


def test_a_job_from_another_terminal_prints_its_result_last(served: tuple[Site, str]) -> None:
    site, _ = served

    submitted = site.check("submit", "testing:fibo-workflow/workflow.fiboa", "[10, 500]", "--follow")

    assert submitted.lines[-1] == '{"ok": 55}'


def test_a_job_as_json_is_one_document(served: tuple[Site, str]) -> None:
    site, _ = served

    submitted = site.check("submit", ".../workflow.fiboa-concurrent", "[10, 50]", "--follow", "--json")

    document = json.loads(submitted.out)
    assert document.keys() == {"execution_id", "result", "seconds"}
    assert document["result"] == {"ok": 55}
    assert json.loads(site.check("execution", "result", document["execution_id"]).out) == {"ok": 55}
    with site.world() as world:
        world.check(document["execution_id"])


def test_a_component_made_from_javascript_runs(served: tuple[Site, str]) -> None:
    site, _ = served

    submitted = site.check("submit", "example:js/text.shout", '["hi"]', "--follow")

    assert submitted.lines[-1] == '{"ok": "HI!"}'


def test_components_that_are_source_files_run(served: tuple[Site, str]) -> None:
    site, _ = served
    python = site.check("submit", "example:approval/workflows.pay", '[{"to": "Ada", "cents": 999}]', "--follow")
    javascript = site.run("submit", "example:trips-js/workflows.cheapest", '["http://127.0.0.1:9", []]', "--follow")

    assert python.lines[-1] == '{"ok": "paid 9.99 to Ada"}'
    assert javascript.lines[-1] == '{"err": "there are no cities to choose from"}'


def test_what_is_wrong_is_said_in_one_sentence(served: tuple[Site, str]) -> None:
    site, _ = served

    submitted = site.run("submit", "testing:fibo-workflow/workflow.fibob", "[10, 500]", "--follow")

    assert (submitted.status, submitted.out) == (1, "")
    assert submitted.err == (
        "CommandError: no function testing:fibo-workflow/workflow.fibob is deployed "
        "(`manage.py function list` shows all)\n"
    )


def test_its_port_is_not_taken_twice(served: tuple[Site, str], tmp_path: Path) -> None:
    site, _ = served
    second = Site(tmp_path)
    second.port = site.port

    finished = second.run("serve")

    assert finished.status == 1
    assert finished.err == (
        f"CommandError: port {site.port} of this machine is taken (Address already in use); "
        "stop what uses it or set PORT\n"
    )
    assert not (second.data_dir / "db.sqlite3").exists()


# --- Stopping and starting again --------------------------------------------------------------------------------------


def stop(site: Site, serving: Running, number: signal.Signals) -> None:
    """Have it stop, and check that nothing is left behind."""
    serving.signal(number)
    finished = serving.wait()

    assert finished.status == 0, finished
    assert finished.out.endswith("\nStopped.\n")
    assert site.processes() == []
    assert site.heartbeats() == {}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", site.port)) != 0


@pytest.fixture
def empty_site(tmp_path: Path) -> Iterator[Site]:
    """A site of which there is nothing yet."""
    site = Site(tmp_path)
    yield site
    site.kill()


def test_it_stops_as_a_whole_and_starts_again_on_the_same_data(empty_site: Site) -> None:
    serving = empty_site.start("serve", "--no-job")
    first = serving.wait_for(READY)
    stop(empty_site, serving, signal.SIGINT)

    serving = empty_site.start("serve")
    second = serving.wait_for(READY)
    stop(empty_site, serving, signal.SIGTERM)

    assert "steps/s" not in first
    assert "steps/s" in second
    assert printed(second, "Login") == printed(first, "Login")
    assert printed(second, "Deployed") == printed(first, "Deployed")


def test_without_the_interpreter_the_compiled_examples_are_served(tmp_path: Path) -> None:
    offline = Site(tmp_path, {"OBELISK_RUNTIMES_DIR": str(tmp_path / "runtimes"), "PIP_NO_INDEX": "1"})
    try:
        serving = offline.start("serve")
        out = serving.wait_for(READY)
        said = serving.err
    finally:
        offline.kill()

    assert printed(out, "Deployed").startswith("examples/compiled.toml (Dep_")
    assert "steps/s" in out
    assert said.startswith(
        "Without the examples in Python and JavaScript: installing componentize-py failed with status 1: "
    )


def test_when_one_of_its_processes_dies_all_end(site: Site) -> None:
    serving = site.start("serve")
    out = serving.wait_for(READY)
    web = next(process for process in site.processes() if "daphne" in process.cmdline())

    web.kill()
    finished = serving.wait()

    assert finished.status == 1
    assert finished.err == "CommandError: the web process ended with status -9; see its log\n"
    assert site.processes() == []
    # What somebody else deployed had been left alone, without a headline job.
    assert printed(out, "Deployed").startswith("Dep_")
    assert "steps/s" not in out
    assert "Try:" not in out
