from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from obelisk.client.main import main
from tests.harness.http_servers import Answer, Received, serve

ID = "E_01KBNHM5FQW81KP5Y3XMNX31K4"
DELAY = {"type": "delay_request", "delay_id": "Delay_1", "paused": False}
CHILD = {"execution_id": f"{ID}.o:1-f_1", "paused": False}
WRITES = [
    {"type": "append", "version": 1, "event": {"event": {"history_event": {"event": {"request": DELAY}}}}},
    {"type": "append_batch_create_new_execution", "version": 2, "events": [], "child_requests": [CHILD]},
]


def advance(answer: Answer, *arguments: str) -> tuple[str, list[dict[str, Any]]]:
    """Advance a workflow of a server that answers so; return what is said, and the writes that were sent."""

    def respond(request: Received) -> Answer:
        if request.path.endswith("/replay"):
            return Answer(200, json.dumps({"type": "advanceable", "captured_writes": WRITES}).encode())
        return answer

    with serve(respond) as server:
        done = CliRunner().invoke(main, ["execution", "advance", ID, *arguments, "--api-url", server.origin])
    return done.output, json.loads(server.received[-1].body)["captured_writes"]


def answered(status: int, **document: Any) -> Answer:
    return Answer(status, json.dumps(document).encode())


PAUSED = answered(200, type="in_progress", pending_state={"status": "paused"})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (PAUSED, "paused"),
        (
            answered(422, type="version_mismatch", expected=4),
            "error: the workflow moved on meanwhile (version_mismatch); try again",
        ),
        (
            answered(422, type="/v1/problems#illegal_state", detail="only what is paused is advanced"),
            "error: only what is paused is advanced",
        ),
    ],
)
def test_what_became_of_an_advance_is_said(answer: Answer, said: str) -> None:
    assert advance(answer)[0] == f"{said}\n"


def test_what_is_sent_is_what_was_asked_for() -> None:
    assert advance(PAUSED)[1] == WRITES
    assert advance(PAUSED, "--trim", "1")[1] == WRITES[:1]
    delay, children = advance(PAUSED, "--pause-all")[1]
    assert delay["event"]["event"]["history_event"]["event"]["request"]["paused"] is True
    assert children["child_requests"] == [{**CHILD, "paused": True}]
    delay, children = advance(PAUSED, "--pause-delays")[1]
    assert (delay == WRITES[0], children == WRITES[1]) == (False, True)
