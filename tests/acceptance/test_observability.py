"""What a running site tells of itself: log lines and metrics of real processes."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executions.management.commands.serve import HEADLINE_FUNCTION
from tests.acceptance.sites import Site, unused_port
from tests.executions.metrics.reading import samples

SECRET = "never-to-be-seen"


@pytest.fixture
def port() -> int:
    return unused_port()


@pytest.fixture
def site(template: Path, tmp_path: Path, port: int) -> Iterator[Site]:
    settings = {
        "OBELISK_LOG_LEVEL": "DEBUG",
        "OBELISK_CONSOLE_LOG_LEVEL": "DEBUG",
        "OBELISK_LOG_FORMAT": "json",
        "OBELISK_METRICS_PORT": str(port),
        "DJANGO_SECRET_KEY": SECRET * 3,
    }
    site = Site(tmp_path, settings)
    shutil.copytree(template, site.data_dir)
    yield site
    site.kill()


def lines(text: str) -> list[dict[str, Any]]:
    """Return the lines that are JSON; django-q2 prints some of its own."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_lines_and_metrics_of_an_executor_say_what_it_ran(site: Site, port: int) -> None:
    executor = site.start_executor()
    submitted = site.check("submit", HEADLINE_FUNCTION, "[10, 20]")
    ((execution_id,),) = site.query("SELECT execution_id FROM executions_execution WHERE parent_id IS NULL")
    site.wait_until_finished(execution_id)
    with site.journal() as journal:
        state = journal.state_of(execution_id)
    assert execution_id in submitted.out

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        text = response.read().decode()
    steps = samples(text, "obelisk_step_duration_seconds_count")
    logged = executor.err
    file = (site.data_dir / "logs" / "executor.log").read_text()

    assert sum(steps.values()) == 20
    assert samples(text, "obelisk_commit_duration_seconds_count")[()] > 0
    of_run = [line for line in lines(logged) if line["event"] == "run.began" and line["execution_id"] == execution_id]
    assert state.holder is not None
    for line in of_run:
        assert line["ffqn"] == state.ffqn
        assert line["executor_id"] == state.holder.executor_id
        assert line["attempt"] == 1
        assert line["run_id"].startswith("Run_")
        assert len(line["trace_id"]) == 32
    assert of_run
    assert [line for line in lines(file) if line["event"] == "run.began"]
    assert SECRET not in logged + file
