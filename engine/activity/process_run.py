"""One run of a native program: watched for time and output, killed with everything that it started.

Source:
    Obelisk reference, section 1.4, where ours differs on purpose: input is written while output is read, a program
    that does not read its input is no failure, and all that it started is killed whenever the run ends, not its group
    on cancellation only.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from engine.activity.process_start import ProgramFile, StartedProgram
from engine.errors import Trap, TrapKind, UnusableResult

_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCall:
    """A program to run.

    Args:
        file: What it is.
        stdin: What it can read; ``None`` for nothing at all.
        max_stdout: Most bytes that it may print.
        on_stderr: Told what it prints to standard error; ``None`` lets that go.
    """

    file: ProgramFile
    stdin: bytes | None
    max_stdout: int
    on_stderr: Callable[[bytes], None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How a program ended; ``code`` is -1 if a signal ended it."""

    code: int
    stdout: bytes


class ProcessRun:
    """A program under way; to be used in a ``with``, by one thread.

    Args:
        expires_at: When it is killed, by `time.monotonic`.
    """

    def __init__(self, *, expires_at: float) -> None:
        self._expires_at = expires_at
        self._is_interrupted = False
        self._mutex = threading.Lock()
        read, write = os.pipe()
        os.set_blocking(write, False)
        self._waker: tuple[int, int] | None = (read, write)

    def __enter__(self) -> ProcessRun:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Free what waiting took."""
        with self._mutex:
            waker, self._waker = self._waker, None
        if waker is not None:
            os.close(waker[0])
            os.close(waker[1])

    def set_expiry(self, expires_at: float) -> None:
        """Kill the program at another instant of `time.monotonic`; from any thread."""
        self._expires_at = expires_at
        self._wake()

    def interrupt(self) -> None:
        """Kill the program now; from any thread."""
        self._is_interrupted = True
        self._wake()

    def _wake(self) -> None:
        with self._mutex:
            if self._waker is not None:
                with suppress(BlockingIOError):  # a full pipe wakes as well
                    os.write(self._waker[1], b"\0")

    def run(self, call: ProcessCall) -> ProcessEnd:
        """Run a program to its end.

        Raises:
            InvalidComponent: If it cannot be started.
            UnusableResult: If it prints too much.
            Trap: Of kind ``interrupted``, if its time is over or it was interrupted; it is dead then.
        """
        program = StartedProgram(call.file, has_input=call.stdin is not None, has_errors=call.on_stderr is not None)
        has_exited = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(program, has_exited), name="process", daemon=True)
        watcher.start()
        stdout = bytearray()
        try:
            self._attend(call, program, has_exited, stdout)
        finally:
            program.kill()
            watcher.join()
            code = program.close()
        return ProcessEnd(code=code, stdout=bytes(stdout))

    def _watch(self, program: StartedProgram, has_exited: threading.Event) -> None:
        with suppress(ChildProcessError):  # somebody reaps whatever ends in this process
            program.wait()
        has_exited.set()
        self._wake()

    def _attend(
        self, call: ProcessCall, program: StartedProgram, has_exited: threading.Event, stdout: bytearray
    ) -> None:
        assert self._waker is not None
        unwritten = memoryview(call.stdin or b"")
        with selectors.DefaultSelector() as selector:
            selector.register(self._waker[0], selectors.EVENT_READ)
            for pipe in (program.stdout, program.stderr):
                if pipe is not None:
                    os.set_blocking(pipe.fileno(), False)
                    selector.register(pipe, selectors.EVENT_READ)
            if program.stdin is not None:
                os.set_blocking(program.stdin.fileno(), False)
                selector.register(program.stdin, selectors.EVENT_WRITE)
            is_over = False
            while not is_over:
                # Asked before what it printed is read: after its end nothing more comes.
                is_over = has_exited.is_set()
                for key, _ in selector.select(0.0 if is_over else self._time_left()):
                    if key.fileobj == self._waker[0]:
                        os.read(self._waker[0], 4096)
                    elif key.fileobj is program.stdin:
                        unwritten = _write_some(selector, program.stdin, unwritten)
                    elif key.fileobj is program.stdout:
                        _read_all(selector, program.stdout, stdout.extend, lambda: self._check(stdout, call))
                    elif program.stderr is not None and call.on_stderr is not None:
                        _read_all(selector, program.stderr, call.on_stderr, self._time_left)

    def _check(self, stdout: bytearray, call: ProcessCall) -> None:
        self._time_left()
        if len(stdout) > call.max_stdout:
            raise UnusableResult(f"the program printed more than max_output_bytes = {call.max_stdout} to its stdout")

    def _time_left(self) -> float:
        left = self._expires_at - time.monotonic()
        if self._is_interrupted or left <= 0:
            raise Trap(TrapKind.INTERRUPTED, "the program was killed: its time is over, or it was cancelled")
        return left


def _write_some(selector: selectors.BaseSelector, pipe: IO[bytes], unwritten: memoryview) -> memoryview:
    try:
        unwritten = unwritten[os.write(pipe.fileno(), unwritten[:_CHUNK]) :]
    except BlockingIOError:
        return unwritten
    except BrokenPipeError:
        # It does not want to know.
        unwritten = unwritten[:0]
    if not unwritten:
        selector.unregister(pipe)
        pipe.close()
    return unwritten


def _read_all(
    selector: selectors.BaseSelector,
    pipe: IO[bytes],
    take: Callable[[bytes], object],
    check: Callable[[], object],
) -> None:
    """Take what is there; a program that prints without end must not keep its time from being looked at."""
    while True:
        try:
            data = os.read(pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if not data:
            selector.unregister(pipe)
            return
        take(data)
        check()
