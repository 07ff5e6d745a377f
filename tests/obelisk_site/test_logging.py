from __future__ import annotations

import json
import logging
import logging.config
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from obelisk_site.logging import configure_structlog, logging_config


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    """Configure logging into a directory of this test, and put back what was there."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, structlog.get_config())
    configure_structlog(level="INFO")
    logging.config.dictConfig(
        logging_config(directory=tmp_path, name="executor", level="INFO", console_level="WARNING")
    )
    yield tmp_path / "executor.log"
    for handler in root.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.close()
    root.handlers[:], root.level = before[0], before[1]
    structlog.configure(**before[2])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_a_json_line_with_its_keys_and_what_is_bound(log_file: Path) -> None:
    with structlog.contextvars.bound_contextvars(execution_id="E_1"):
        structlog.get_logger("engine.executor").info("execution.locked", attempt=2, where=Path("/x"))

    [line] = lines(log_file)
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("Z")
    assert line == {
        "event": "execution.locked",
        "level": "info",
        "logger": "engine.executor",
        "pid": os.getpid(),
        "execution_id": "E_1",
        "attempt": 2,
        "where": "PosixPath('/x')",
    }


def test_a_librarys_line_has_the_same_form(log_file: Path) -> None:
    logging.getLogger("django-q").warning("%s stopped", "worker 1")

    [line] = lines(log_file)
    assert (line["event"], line["level"], line["logger"]) == ("worker 1 stopped", "warning", "django-q")


def test_what_is_below_the_level_is_not_written(log_file: Path) -> None:
    structlog.get_logger("engine").debug("step")
    logging.getLogger("django").debug("step")

    assert not log_file.exists()


def test_the_terminal_gets_a_short_line_from_its_own_level_on(
    log_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = structlog.get_logger("engine")
    log.info("execution.locked")
    log.warning("execution.retried", attempt=2)

    shown = capsys.readouterr().err
    assert "execution.locked" not in shown
    assert "execution.retried" in shown
    assert "attempt" in shown
    assert "pid" not in shown
    assert len(lines(log_file)) == 2


def test_what_a_terminal_would_obey_is_shown(log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("executions").warning("api.refused", path="/v1/\x1b[2J\x9b2J")
    logging.getLogger("django.request").warning("Not Found: %s", "/\x1b]0;mine\x07")

    shown = capsys.readouterr().err
    assert "path=/v1/\\x1b[2J\\x9b2J" in shown
    assert "Not Found: /\\x1b]0;mine\\x07" in shown


def test_a_traceback_shows_no_local_variables(log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        password = "".join(["hun", "ter2"])
        raise ValueError(f"a password of {len(password)} letters")

    try:
        fail()
    except ValueError:
        structlog.get_logger("engine").exception("run.failed")

    shown = capsys.readouterr().err
    assert "a password of 7 letters" in shown
    assert "hunter2" not in shown + log_file.read_text()
    assert "a password of 7 letters" in lines(log_file)[0]["exception"]


def test_a_file_that_was_moved_away_is_made_anew(log_file: Path) -> None:
    log = structlog.get_logger("engine")
    log.info("first")
    log_file.rename(log_file.with_suffix(".1"))
    log.info("second")

    assert [line["event"] for line in lines(log_file)] == ["second"]
