"""A process that submits, as a program of the site's operator does: asked and answering line by line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import DatabaseError, close_old_connections

from engine.errors import EngineError
from engine.log.ids import ExecutionId
from executions.operations.submitting import Call, submit_all
from tests.acceptance.sites import REPOSITORY

_PROGRAM = f"from {__name__} import serve; serve()"


def serve() -> None:
    """Submit what lines of standard input ask for, and tell what became of each; runs inside Django."""
    for line in sys.stdin:
        calls = [Call(function, params, execution_id=chosen) for chosen, function, params in json.loads(line)]
        close_old_connections()
        try:
            submit_all(calls)
        except (EngineError, DatabaseError) as error:
            answer: dict[str, str] = {"error": str(error)}
        else:
            answer = {}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


class Client:
    """The other end of it.

    Args:
        environment: Of the process.
        log: Where its standard error goes.
    """

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "shell", "-v0", "-c", _PROGRAM],
                cwd=REPOSITORY,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def submit(self, calls: Sequence[tuple[ExecutionId, str, Any]]) -> str | None:
        """Submit calls in one transaction, under ids that the caller chose; return why it failed, if it did.

        After a failure nobody knows whether they were submitted; to submit them again does no harm.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(calls) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        error: str | None = answer.get("error")
        return error

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
