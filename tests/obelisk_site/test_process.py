from __future__ import annotations

import pytest

from obelisk_site.process import Process, process_of


@pytest.mark.parametrize(
    ("argv", "process"),
    [
        (["/srv/.venv/bin/daphne", "-p", "8000", "obelisk_site.asgi:application"], Process.WEB),
        (["/srv/lib/daphne/__main__.py", "obelisk_site.asgi:application"], Process.WEB),
        (["manage.py", "runserver"], Process.WEB),
        (["manage.py", "run_executor", "--workers", "2"], Process.EXECUTOR),
        (["manage.py", "qcluster"], Process.EXECUTOR),
        (["manage.py", "submit", "run_executor"], Process.COMMAND),
        (["manage.py"], Process.COMMAND),
        (["/srv/lib/pytest/__main__.py"], Process.COMMAND),
        ([], Process.COMMAND),
    ],
)
def test_the_command_line_tells_the_process(argv: list[str], process: Process) -> None:
    assert process_of(argv) is process


def test_only_web_and_executor_run_until_stopped() -> None:
    assert {process for process in Process if process.is_service} == {Process.WEB, Process.EXECUTOR}
