"""Starting a native program under its supervisor."""

from __future__ import annotations

import errno
import marshal
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.activity import process_supervisor
from engine.errors import InvalidComponent

_NEEDED = ("LD_LIBRARY_PATH",)
"""What the interpreter may need of this process's environment to start; the program's own comes with the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFile:
    """What to start.

    Args:
        program: The file to execute; never a shell, unless the file names one itself.
        arguments: What it is given behind its name.
        environment: All of its environment.
        folder: Where it starts.
    """

    program: Path
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


class StartedProgram:
    """A program and its supervisor.

    Args:
        what: The program.
        has_input: Whether to make a pipe to its standard input.
        has_errors: Whether to make one from its standard error.

    Attributes:
        stdin: Pipe to its standard input, or ``None`` if it has none.
        stdout: Pipe from its standard output.
        stderr: Pipe from its standard error, or ``None`` if that goes nowhere.

    Raises:
        InvalidComponent: If no process can be made.
    """

    def __init__(self, what: ProgramFile, *, has_input: bool, has_errors: bool) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", process_supervisor.__file__, str(orders), str(answers)],
                stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if has_errors else subprocess.DEVNULL,
                env={name: os.environ[name] for name in _NEEDED if name in os.environ},
                cwd=what.folder,
                bufsize=0,
                start_new_session=True,
                pass_fds=(orders, answers),
            )
        except OSError as error:
            os.close(self._orders)
            os.close(self._answers)
            raise InvalidComponent(f"no process can be made for the program: {error.strerror}") from None
        finally:
            os.close(orders)
            os.close(answers)
        self.stdin: IO[bytes] | None = self._process.stdin
        assert self._process.stdout is not None
        self.stdout: IO[bytes] = self._process.stdout
        self.stderr: IO[bytes] | None = self._process.stderr
        self._order(what)

    def wait(self) -> None:
        """Return when the program and all that it started are gone."""
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)

    def kill(self) -> None:
        """Kill the program and all that it started, if they are not gone; does not wait for that."""
        orders, self._orders = self._orders, -1
        if orders >= 0:
            os.close(orders)

    def close(self) -> int:
        """Kill it, free what it took, and return its code; -1 if a signal ended it.

        Raises:
            InvalidComponent: If it could not be started.
        """
        self.kill()
        self._process.wait()
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()
        answer = os.read(self._answers, 64).decode().split()
        os.close(self._answers)
        match answer:
            case ["exit", code]:
                return int(code)
            case ["error", number]:
                raise InvalidComponent(_start_problem(int(number)))
            case _:
                return -1

    def _order(self, what: ProgramFile) -> None:
        order = marshal.dumps((str(what.program), list(what.arguments), dict(what.environment)))
        try:
            for part in (len(order).to_bytes(8, "big"), order):
                left = memoryview(part)
                while left:
                    left = left[os.write(self._orders, left) :]
        except BrokenPipeError:
            pass  # the supervisor died at once; there will be no answer


def _start_problem(number: int) -> str:
    if number == errno.E2BIG:
        return "the parameters are too long for a program's arguments; set params_via_stdin = true"
    return f"the program cannot be started: {os.strerror(number)}"
