from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from executions import supervision
from executions.supervision import SiteFailed, SiteProcesses, check_port_is_free
from tests.harness.eventually import eventually

_PAUSE = "import signal; signal.pause()"
_STUBBORN = """
import pathlib, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path("ready").touch()
while True:
    signal.pause()
"""
_WITH_CHILD = """
import os, pathlib, signal
if os.fork() == 0:
    pathlib.Path("child").write_text(str(os.getpid()) + " ")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.pause()
"""
_TELLS_ITS_END = """
import pathlib, signal, sys
def end(*_):
    with open("ended", "a") as file:
        file.write(sys.argv[1])
    sys.exit()
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1]).touch()
signal.pause()
"""


_SITE = """
import os, pathlib, signal, sys
from executions.supervision import SiteProcesses
folder = pathlib.Path(sys.argv[1])
with SiteProcesses(folder, os.environ) as site:
    for name in ("one", "two"):
        site.start(name, ["-c", sys.argv[2], name])
    while not all((folder / name).exists() for name in ("one", "two")):
        pass
    print("started", flush=True)
    signal.pause()
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteProcesses]:
    with SiteProcesses(tmp_path, os.environ) as site:
        yield site


def pids_of(site: SiteProcesses) -> list[int]:
    return [child.pid for _, child in site._children]


# --- Processes --------------------------------------------------------------------------------------------------------


def test_processes_run_where_and_with_what_they_are_told(tmp_path: Path) -> None:
    program = "import os, pathlib; pathlib.Path('seen').write_text(os.environ['COLOUR'])"
    with SiteProcesses(tmp_path, {**os.environ, "COLOUR": "green"}) as site:
        site.start("painter", ["-c", program])
        eventually(lambda: (tmp_path / "seen").exists() and (tmp_path / "seen").read_text() == "green")


def test_ctrl_c_at_the_terminal_reaches_no_process(site: SiteProcesses) -> None:
    site.start("worker", ["-c", _PAUSE])

    (pid,) = pids_of(site)
    assert os.getsid(pid) == os.getpgid(pid) == pid != os.getsid(0)


def test_all_is_well_while_the_processes_run(site: SiteProcesses) -> None:
    site.start("worker", ["-c", _PAUSE])

    site.check()


@pytest.mark.parametrize("status", [0, 3])
def test_a_process_that_ends_by_itself_is_a_failure(site: SiteProcesses, status: int) -> None:
    site.start("idle", ["-c", _PAUSE])
    site.start("worker", ["-c", f"raise SystemExit({status})"])

    with pytest.raises(SiteFailed) as caught:
        site.wait()

    assert str(caught.value) == f"the worker process ended with status {status}; see its log"


# --- Health -----------------------------------------------------------------------------------------------------------


class Health(BaseHTTPRequestHandler):
    """Answers with the statuses that it was given, the last one for ever."""

    statuses: list[int]

    def do_GET(self) -> None:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"no executor is alive")

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


def health_page(*statuses: int) -> tuple[ThreadingHTTPServer, str]:
    handler = type("Handler", (Health,), {"statuses": list(statuses)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/healthz"


def test_a_site_is_waited_for_until_it_is_healthy(site: SiteProcesses) -> None:
    server, url = health_page(503, 503, 200)
    try:
        site.wait_until_healthy(url, timeout_s=20)
    finally:
        server.shutdown()
        server.server_close()


def test_a_site_that_stays_ill_says_why(site: SiteProcesses) -> None:
    server, url = health_page(503)
    try:
        with pytest.raises(SiteFailed) as caught:
            site.wait_until_healthy(url, timeout_s=0.3)
    finally:
        server.shutdown()
        server.server_close()

    assert str(caught.value) == "the site was not healthy within 0 s: no executor is alive"


def test_a_site_that_does_not_answer_is_not_healthy(site: SiteProcesses) -> None:
    with pytest.raises(SiteFailed, match=r"^the site was not healthy within 0 s: .*refused"):
        site.wait_until_healthy(f"http://127.0.0.1:{unused_port()}/healthz", timeout_s=0.2)


def test_nobody_waits_for_the_health_of_a_process_that_died(site: SiteProcesses) -> None:
    site.start("web", ["-c", "raise SystemExit(1)"])

    with pytest.raises(SiteFailed, match="the web process ended with status 1"):
        site.wait_until_healthy(f"http://127.0.0.1:{unused_port()}/healthz", timeout_s=20)


# --- Stopping ---------------------------------------------------------------------------------------------------------


def test_all_are_asked_to_end(site: SiteProcesses, tmp_path: Path) -> None:
    for name in ("a", "b"):
        site.start(name, ["-c", _TELLS_ITS_END, name])
        eventually((tmp_path / name).exists)
    pids = pids_of(site)

    site.stop()

    assert sorted((tmp_path / "ended").read_text()) == ["a", "b"]
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_what_does_not_end_is_killed(site: SiteProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_STOP_S", 0.1)
    site.start("stubborn", ["-c", _STUBBORN])
    eventually((tmp_path / "ready").exists)
    (pid,) = pids_of(site)

    site.stop()

    assert not psutil.pid_exists(pid)


def test_who_interrupts_the_stopping_is_not_kept_waiting(
    site: SiteProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.start("stubborn", ["-c", _STUBBORN])
    eventually((tmp_path / "ready").exists)
    (pid,) = pids_of(site)
    wait = subprocess.Popen.wait

    def interrupted(_process: subprocess.Popen[bytes], _timeout: float) -> int:
        monkeypatch.setattr(subprocess.Popen, "wait", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)

    with pytest.raises(KeyboardInterrupt):
        site.stop()

    assert not psutil.pid_exists(pid)


def test_what_a_killed_process_left_behind_is_killed(site: SiteProcesses, tmp_path: Path) -> None:
    site.start("parent", ["-c", _WITH_CHILD])
    child = psutil.Process(int(eventually(lambda: left_by_child(tmp_path))))
    (pid,) = pids_of(site)
    os.kill(pid, signal.SIGKILL)

    site.stop()

    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def left_by_child(folder: Path) -> str:
    """Return what the child wrote, once it is whole."""
    file = folder / "child"
    return file.read_text() if file.exists() and file.read_text().endswith(" ") else ""


def test_stopping_twice_is_stopping_once(site: SiteProcesses) -> None:
    site.start("worker", ["-c", _PAUSE])

    site.stop()
    site.stop()


# --- Ports ------------------------------------------------------------------------------------------------------------


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_that_nobody_uses_is_free() -> None:
    port = unused_port()

    check_port_is_free(port)
    check_port_is_free(port)


def test_a_port_that_somebody_listens_on_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(SiteFailed) as caught:
            check_port_is_free(port)

    assert str(caught.value) == (
        f"port {port} of this machine is taken (Address already in use); stop what uses it or set PORT"
    )


def test_processes_end_in_order_though_the_command_is_killed(tmp_path: Path) -> None:
    command = subprocess.Popen([sys.executable, "-c", _SITE, tmp_path, _TELLS_ITS_END], stdout=subprocess.PIPE)
    assert command.stdout is not None
    assert command.stdout.readline() == b"started\n"
    children = psutil.Process(command.pid).children()  # the two and their guard

    command.kill()

    assert len(children) == 3
    _, alive = psutil.wait_procs(children, timeout=20)
    command.communicate()
    assert not alive
    assert (tmp_path / "ended").read_text() in ("onetwo", "twoone")
