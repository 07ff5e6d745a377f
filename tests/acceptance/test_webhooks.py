"""Webhooks as the world meets them: a site of real processes, the server in front, and GitHub's own signatures."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.executor.webhook_execution import LEASE
from engine.guests.python.build import python_runtime
from examples.stars.service import StarsService
from tests.acceptance.sites import REPOSITORY, Site
from tests.harness.eventually import eventually
from tests.harness.python_components import RUNTIMES
from tests.webhooks.sites import DOORMAN, PROBE, ROUTES

SECRET = "a-secret-of-the-example"
# Signed by @octokit/webhooks-methods with the secret above.
CREATED = (
    b'{"action":"created","starred_at":"2026-11-21T12:00:00Z","repository":{"full_name":"acme/rockets"},'
    b'"sender":{"login":"mona"}}',
    "sha256=267c00b8c44ae5cd8f7d317dbadbee040f3e54baea055f66448cf2f04c8e856d",
)
DELETED = (
    CREATED[0].replace(b"created", b"deleted"),
    "sha256=15cfd76aeea864e560d75682d1ce0b28de20fb537b6060777947d7f7783b9ef3",
)


@pytest.fixture(scope="module")
def service() -> Iterator[StarsService]:
    with StarsService(0, shows_requests=False) as service:
        thread = threading.Thread(target=service.serve_forever, args=[0.01])
        thread.start()
        yield service
        service.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, service: StarsService) -> Iterator[Site]:
    """What ``make run`` starts, with the stand-in for the outside services."""
    python_runtime(RUNTIMES)  # building it would take longer than a command may
    environment = {
        "STARS_SERVICE": service.address,
        "STARS_SECRET": SECRET,
        "OBELISK_OUTBOUND_HOSTS": "http://127.0.0.1:*",
    }
    site = Site(tmp_path_factory.mktemp("stars"), environment)
    try:
        site.start("serve", "--no-job").wait_for("Ctrl-C stops everything.")
        yield site
    finally:
        site.kill()


def send(
    site: Site, path: str, body: bytes = b"", *, headers: dict[str, str] | None = None, method: str = "POST"
) -> tuple[int, str]:
    url = f"http://127.0.0.1:{site.port}{path}"
    request = urllib.request.Request(url, body or None, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def star(site: Site, event: tuple[bytes, str], delivery: str) -> tuple[int, Any]:
    body, signature = event
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "star",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": signature,
    }
    status, text = send(site, "/hooks/stars", body, headers=headers)
    return status, json.loads(text) if status == 202 else text


def test_a_star_is_thanked_for_and_forgotten(site: Site, service: StarsService) -> None:
    status, answer = star(site, CREATED, "one")
    repeated = star(site, CREATED, "one")
    site.wait_until_finished(answer["execution_id"])

    assert status == 202
    assert repeated == (202, answer)
    assert service.book["acme/rockets/mona"]["thanks"] == "Thank you, Mona Lisa in Florence!"
    # Its profile was down at first.
    events = site.check("execution", "events", f"{answer['execution_id']}.o:1-look-up_1").out
    assert "temporarily_failed" in events

    status, answer = star(site, DELETED, "two")
    site.wait_until_finished(answer["execution_id"])
    assert not service.book


def test_what_nobody_signed_does_nothing(site: Site) -> None:
    body, signature = CREATED

    assert star(site, (body + b" ", signature), "three")[0] == 401
    assert star(site, (body, "sha256=00"), "three")[0] == 401
    assert send(site, "/hooks/stars", method="GET")[0] == 405
    assert send(site, "/hooks/planets", b"{}")[0] == 404
    assert site.query("SELECT count(*) FROM webhooks_delivery WHERE delivery_id = 'three'") == [(0,)]


def test_a_request_whose_web_process_died_is_ended_by_the_next_one(tmp_path: Path) -> None:
    for name in ("doorman", "probe"):
        content = (REPOSITORY / "tests" / "components" / name / f"{name}.wasm").read_bytes()
        (tmp_path / f"{name}.wasm").write_bytes(content)
    (tmp_path / "deployment.toml").write_text(DOORMAN + ROUTES + PROBE)
    site = Site(tmp_path, {"OBELISK_APPS": ""})
    try:
        site.migrate()
        site.check("deploy", str(tmp_path / "deployment.toml"))
        web = site.start("runserver", "--noreload", str(site.port))
        eventually(lambda: _is_up(site), within_s=60)
        # Nobody runs what it calls, so it waits.
        waiting = threading.Thread(target=lambda: _ignore(site, "/hooks/do/call"))
        waiting.start()
        (execution_id,) = eventually(lambda: _requests(site, "blocked_by_join_set"), within_s=60)
        web.signal(signal.SIGKILL)
        waiting.join()
        again = site.start("runserver", "--noreload", str(site.port))
        eventually(lambda: _is_up(site), within_s=60)

        eventually(lambda: _requests(site, "finished") == [execution_id], within_s=60 + LEASE.total_seconds())

        assert "the web process that served the request died" in site.run("execution", "result", execution_id).out
        again.signal(signal.SIGTERM)
        again.wait()
    finally:
        site.kill()


def _is_up(site: Site) -> bool:
    try:
        return send(site, "/hooks/do/hello", method="GET") == (200, "hello")
    except OSError:
        return False


def _ignore(site: Site, path: str) -> None:
    with contextlib.suppress(OSError):
        send(site, path, method="GET")


def _requests(site: Site, status: str) -> list[str]:
    rows = site.query(
        "SELECT execution_id FROM executions_execution WHERE component_type = 'webhook_endpoint' AND status = %s",
        status,
    )
    return [row[0] for row in rows]
