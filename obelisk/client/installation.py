"""What needs no server but the program itself: this installation's ``manage.py``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO

from obelisk.client.api import ClientError
from obelisk.client.output import Output

_MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
_ERROR = "CommandError: "
"""How Django begins to tell why a command failed; each further line is a further reason."""


def run_here(out: Output, *arguments: str, stdout: IO[str] | None = None) -> int:
    """Run a command of this installation's ``manage.py``, and return its exit status.

    In a process of its own: the client knows neither Django nor the engine.

    Args:
        out: Where what it writes to standard error goes.
        arguments: The command and its arguments.
        stdout: Where what it writes to standard output goes; by default to this process's.

    Raises:
        ClientError: If there is no ``manage.py``.
    """
    if not _MANAGE.is_file():
        raise ClientError(f"there is no {_MANAGE}: this client was installed without the server")
    command = [sys.executable, str(_MANAGE), *arguments]
    reasons: list[str] = []
    with subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if reasons or line.startswith(_ERROR):
                reasons.append(line.removeprefix(_ERROR))
            else:
                out.note(line.rstrip())
    if reasons:
        out.fail("".join(reasons).rstrip())
    return process.returncode
