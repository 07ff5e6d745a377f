from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from obelisk.client.main import main
from tests.harness.http_servers import Answer, Received, serve

ID = "E_01KBNHM5FQW81KP5Y3XMNX31K4"


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def entry(number: int) -> dict[str, Any]:
    return {
        "cursor": str(number),
        "run_id": "Run_1",
        "execution_id": ID,
        "created_at": "2026-01-31T12:00:00Z",
        "type": "log",
        "level": "info",
        "message": f"line {number}",
    }


class Log:
    """A server whose execution logs a line each time that somebody looks, and ends after the last.

    Args:
        first: How many lines there are at first.
        last: How many there are in the end.
        is_shaky: Whether every third request goes wrong.
    """

    def __init__(self, first: int, last: int, *, is_shaky: bool) -> None:
        self._now, self._last = first, last
        self._is_shaky = is_shaky
        self._looks = 0

    def __call__(self, request: Received) -> Answer:
        """Answer a request."""
        self._looks += 1
        if self._is_shaky and self._looks % 3 == 0:
            return Answer(503, b"starting")
        parts = urlsplit(request.path)
        if parts.path.endswith("/status"):
            self._now = min(self._now + 1, self._last)
            status = "finished" if self._now == self._last else "locked"
            return Answer(200, json.dumps({"pending_state": {"status": status}}).encode())
        query = parse_qs(parts.query)
        after = int(query.get("cursor", ["0"])[0])
        page = range(after + 1, min(self._now, after + int(query["length"][0])) + 1)
        return Answer(200, json.dumps([entry(number) for number in page]).encode())


def logs(server: Log, *arguments: str) -> Result:
    with serve(server) as upstream:
        return CliRunner().invoke(main, ["execution", "logs", ID, *arguments, "--api-url", upstream.origin])


def test_lines_are_followed_to_the_last_one_over_lost_connections() -> None:
    done = logs(Log(2, 5, is_shaky=True), "--follow", "--json")

    assert done.exit_code == 0
    assert [json.loads(line)["message"] for line in done.stdout.splitlines()] == [f"line {n}" for n in range(1, 6)]
    assert "starting; trying again\n" in done.stderr


def test_a_lost_connection_ends_it_if_that_is_wanted() -> None:
    done = logs(Log(2, 5, is_shaky=True), "--follow", "--no-reconnect")

    assert (done.exit_code, done.stderr) == (1, "error: starting\n")


@pytest.mark.parametrize(("arguments", "count"), [((), 450), (("--limit", "201"), 201), (("--limit", "1"), 1)])
def test_pages_are_put_together(arguments: tuple[str, ...], count: int) -> None:
    done = logs(Log(450, 450, is_shaky=False), "--json", *arguments)

    assert len(json.loads(done.stdout)) == count


def test_what_was_printed_is_shown_as_text() -> None:
    printed = {**entry(1), "type": "stream", "stream_type": "stderr", "payload": base64.b64encode(b"a\xff\n").decode()}

    def answer(_: Received) -> Answer:
        return Answer(200, json.dumps([printed]).encode())

    with serve(answer) as upstream:
        arguments = ["execution", "logs", ID, "--show-run-id", "--show-derived", "--api-url", upstream.origin]
        done = CliRunner().invoke(main, arguments)

    assert done.stdout == f"2026-01-31T12:00:00Z stderr Run_1 {ID} a\ufffd\n"
