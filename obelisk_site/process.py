"""Which of the site's processes this one is: some settings differ between them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import PurePath


class Process(StrEnum):
    """One of the site's processes; its value names the log file."""

    WEB = "web"
    EXECUTOR = "executor"
    COMMAND = "command"

    @property
    def is_service(self) -> bool:
        """Whether it runs until it is stopped, rather than doing one thing for the person at the terminal."""
        return self is not Process.COMMAND

    @property
    def is_executor(self) -> bool:
        """Whether it starts django-q2's workers, which host executors."""
        return self is Process.EXECUTOR


def process_of(argv: Sequence[str]) -> Process:
    """Return which process a command line starts.

    Told from the command line and not from a variable, because children inherit variables: ``manage.py serve`` starts
    both others.
    """
    program = PurePath(argv[0]).name if argv else ""
    if program == "daphne" or (program == "__main__.py" and PurePath(argv[0]).parent.name == "daphne"):
        return Process.WEB
    match argv[1:2]:
        case ["runserver"]:
            return Process.WEB
        case ["run_executor" | "qcluster"]:
            return Process.EXECUTOR
        case _:
            return Process.COMMAND
