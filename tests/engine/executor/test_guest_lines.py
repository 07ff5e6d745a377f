from __future__ import annotations

import logging
from typing import Any

import pytest

from engine.deployment.spec import LogLevel
from engine.executor.guest_lines import logged_too
from engine.journal.memory import MemoryJournal
from engine.journal.records import LogLine
from engine.log.ids import RunId
from tests.builders import NOW, make_execution_id

E1 = make_execution_id(1)


def line(level: LogLevel | None, message: str) -> LogLine:
    stream = "stdout" if level is None else None
    return LogLine(execution_id=E1, run_id=RunId("Run_1"), created_at=NOW, level=level, message=message, stream=stream)


def test_lines_are_stored_and_logged_with_whose_they_are(caplog: pytest.LogCaptureFixture) -> None:
    journal = MemoryJournal()
    lines = [line(LogLevel.WARN, "careful"), line(None, "printed")]

    with caplog.at_level(logging.INFO):
        logged_too(journal)(lines)

    assert journal.log_lines == tuple(lines)
    logged: list[Any] = [record.msg for record in caplog.records]
    assert [(each["event"], each["level"], each["message"]) for each in logged] == [
        ("guest.line", "warning", "careful"),
        ("guest.line", "info", "printed"),
    ]
    assert {(each["execution_id"], each["run_id"]) for each in logged} == {(E1, "Run_1")}
