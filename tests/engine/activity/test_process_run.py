from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.activity.process_run import ProcessCall, ProcessEnd, ProcessRun
from engine.activity.process_start import ProgramFile
from engine.errors import InvalidComponent, Trap, TrapKind, UnusableResult
from tests.harness.eventually import PATIENCE_S, eventually

PYTHON = f"#!{sys.executable} -I\n"
SHELL = "#!/bin/sh\n"

Run = Callable[..., ProcessEnd]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "program"
        path.write_text(text)
        path.chmod(0o700)
        return path

    return write


@pytest.fixture
def call_of(write: Callable[[str], Path], tmp_path: Path) -> Callable[..., ProcessCall]:
    def call_of(
        text: str,
        *arguments: str,
        environment: dict[str, str] | None = None,
        stdin: bytes | None = None,
        max_stdout: int = 4096,
        on_stderr: Callable[[bytes], None] | None = None,
    ) -> ProcessCall:
        return ProcessCall(
            file=ProgramFile(program=write(text), arguments=arguments, environment=environment or {}, folder=tmp_path),
            stdin=stdin,
            max_stdout=max_stdout,
            on_stderr=on_stderr,
        )

    return call_of


@pytest.fixture
def run(call_of: Callable[..., ProcessCall]) -> Run:
    """Runs a program that is given some time."""

    def run(*args: str, within_s: float = PATIENCE_S, **options: object) -> ProcessEnd:
        with ProcessRun(expires_at=time.monotonic() + within_s) as process:
            return process.run(call_of(*args, **options))

    return run


def is_gone(pid: int) -> bool:
    """Whether a process is dead; whether its new parent has reaped it yet is not ours to say."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def both(pids: Path) -> list[str] | None:
    """Return the two numbers that a program writes into a file, when they are there."""
    words = pids.read_text().split() if pids.exists() else []
    return words if len(words) == 2 else None


def test_what_a_program_prints_and_its_code_come_back(run: Run) -> None:
    assert run(SHELL + 'printf "%s|" "$@"; exit 3', "one", "two words; $(id)") == ProcessEnd(
        code=3, stdout=b"one|two words; $(id)|"
    )


def test_a_signal_is_the_code_minus_one(run: Run) -> None:
    assert run(SHELL + "kill -9 $$").code == -1


def test_the_environment_is_what_is_configured_and_nothing_else(run: Run) -> None:
    program = PYTHON + "import os; print(sorted(os.environ.items()))"

    # What the interpreter sets by itself where there is no locale.
    assert run(program, environment={"A": "1"}).stdout in (
        b"[('A', '1')]\n",
        b"[('A', '1'), ('LC_CTYPE', 'C.UTF-8')]\n",
    )


def test_a_program_without_input_reads_nothing(run: Run) -> None:
    assert run(SHELL + "cat; echo end").stdout == b"end\n"


def test_input_is_written_while_output_is_read(run: Run) -> None:
    data = os.urandom(1 << 20)

    # It fills its output long before it has read all of its input.
    assert run(SHELL + "exec cat", stdin=data, max_stdout=len(data)).stdout == data


def test_input_that_nobody_reads_is_no_failure(run: Run) -> None:
    assert run(SHELL + "exec 0<&-; echo done", stdin=b"x" * (1 << 20)).stdout == b"done\n"


def test_errors_are_handed_over_as_they_are_printed(run: Run) -> None:
    seen = bytearray()

    run(SHELL + "echo one >&2; echo two >&2", on_stderr=seen.extend)

    assert seen == b"one\ntwo\n"


def test_a_program_that_prints_too_much_is_killed(run: Run) -> None:
    with pytest.raises(UnusableResult, match="more than max_output_bytes = 4096 to its stdout"):
        run(SHELL + "exec yes")


def test_output_of_just_the_limit_is_not_too_much(run: Run) -> None:
    assert run(SHELL + "printf 1234", max_stdout=4).stdout == b"1234"


@pytest.mark.parametrize("stream", [1, 2])
def test_a_program_that_prints_without_end_is_killed_in_time(run: Run, stream: int) -> None:
    with pytest.raises(Trap) as caught:
        run(SHELL + f"exec yes >&{stream}", within_s=0.3, max_stdout=1 << 40, on_stderr=len)

    assert caught.value.kind is TrapKind.INTERRUPTED


def test_at_the_end_of_its_time_a_program_is_killed_with_its_children(
    call_of: Callable[..., ProcessCall], tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    program = SHELL + f'sleep 600 & echo $! >"{pids}"; echo $$ >>"{pids}"; wait'
    with ProcessRun(expires_at=time.monotonic() + PATIENCE_S) as process:
        failures: list[Trap] = []

        def run() -> None:
            with pytest.raises(Trap) as caught:
                process.run(call_of(program, environment={"PATH": os.environ["PATH"]}))
            failures.append(caught.value)

        thread = threading.Thread(target=run)
        thread.start()
        child, parent = eventually(lambda: both(pids))
        process.set_expiry(time.monotonic())
        thread.join(PATIENCE_S)

    assert failures[0].kind is TrapKind.INTERRUPTED
    assert not psutil.pid_exists(int(parent))
    eventually(lambda: is_gone(int(child)))


def test_what_a_program_leaves_behind_is_killed_when_it_ends(run: Run) -> None:
    end = run(SHELL + "sleep 600 & echo $!", environment={"PATH": os.environ["PATH"]})

    eventually(lambda: is_gone(int(end.stdout)))


# Out of its group, its session and its family, and without its environment.
DAEMON = (
    PYTHON
    + """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(sys.argv[1] + "~", "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1] + "~", sys.argv[1])
        os.execve("/bin/sleep", ["sleep", "600"], {})
    os._exit(0)
os.wait()
while sys.argv[2] == "wait" or not os.path.exists(sys.argv[1]):
    pass
"""
)


@pytest.mark.parametrize("then", ["wait", "exit"])
def test_a_child_that_leaves_the_session_is_killed_with_the_rest(run: Run, tmp_path: Path, then: str) -> None:
    pid = tmp_path / "pid"
    started = time.monotonic()

    if then == "wait":
        with pytest.raises(Trap):
            run(DAEMON, str(pid), then, within_s=1.0)
    else:
        assert run(DAEMON, str(pid), then).code == 0

    assert not psutil.pid_exists(int(pid.read_text()))
    assert time.monotonic() - started < PATIENCE_S


def test_children_that_end_meanwhile_are_no_end_of_the_program(run: Run) -> None:
    program = PYTHON + "import os\nfor _ in range(9):\n if not os.fork():\n  os.fork(); os._exit(1)\nprint('end')"

    assert run(program) == ProcessEnd(code=0, stdout=b"end\n")


EXECUTOR = """
import sys, time
from pathlib import Path
from engine.activity.process_run import ProcessCall, ProcessRun
from engine.activity.process_start import ProgramFile

what = ProgramFile(program=Path(sys.argv[1]), arguments=sys.argv[2:], environment={}, folder=Path("/"))
with ProcessRun(expires_at=time.monotonic() + 600) as run:
    run.run(ProcessCall(file=what, stdin=None, max_stdout=1, on_stderr=None))
"""


def test_a_killed_executor_takes_its_programs_along(call_of: Callable[..., ProcessCall], tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    program = call_of(DAEMON).file.program
    executor = subprocess.Popen([sys.executable, "-c", EXECUTOR, str(program), str(pid), "wait"])
    eventually(pid.exists)

    executor.kill()
    executor.wait()

    eventually(lambda: is_gone(int(pid.read_text())))


def test_an_interrupted_program_is_killed(call_of: Callable[..., ProcessCall]) -> None:
    with ProcessRun(expires_at=time.monotonic() + PATIENCE_S) as process:
        begun = threading.Event()
        call = call_of(
            SHELL + "echo go >&2; exec sleep 600",
            environment={"PATH": os.environ["PATH"]},
            on_stderr=lambda data: begun.set(),
        )

        def stop() -> None:
            begun.wait(PATIENCE_S)
            process.interrupt()

        stopper = threading.Thread(target=stop)
        stopper.start()
        started = time.monotonic()

        with pytest.raises(Trap):
            process.run(call)

        stopper.join()
    assert time.monotonic() - started < PATIENCE_S


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("#!/no/such/interpreter\n", "the program cannot be started: No such file or directory"),
        ("echo no interpreter is named", "the program cannot be started: Exec format error"),
    ],
)
def test_what_cannot_be_started_is_said(run: Run, text: str, sentence: str) -> None:
    with pytest.raises(InvalidComponent) as caught:
        run(text)

    assert str(caught.value) == sentence


def test_a_variable_that_no_environment_can_hold_is_no_start(run: Run) -> None:
    with pytest.raises(InvalidComponent, match="the program cannot be started: Invalid argument"):
        run(SHELL + "exit 0", environment={"A": "x\0y"})


def test_parameters_too_long_for_arguments_are_said_to_be(run: Run) -> None:
    with pytest.raises(InvalidComponent, match="set params_via_stdin = true"):
        run(SHELL + "exit 0", "x" * (1 << 22))


def test_nothing_stays_open(run: Run) -> None:
    run(SHELL + "exit 0")
    before = psutil.Process().num_fds()

    for _ in range(5):
        run(SHELL + "echo x; echo y >&2", stdin=b"z", on_stderr=len)

    assert psutil.Process().num_fds() == before
