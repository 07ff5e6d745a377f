"""Stands above one native program, and leaves nothing of it behind: a script of its own, run by `process_start`.

A program's children may leave its process group and its session, and outlive it. But whoever loses its parent becomes
a child of this process (a "subreaper"), so that in the end all are its own children; it kills those, and those that
become its children by that, until there is none. A child's number is given to nobody else before it is reaped, here, so
nobody else is ever hit.

It ends when its program has, or when the executor closes the pipe, as it also does by dying. It starts with every
call of a program, and so imports next to nothing.

Source:
    prctl(2), ``PR_SET_CHILD_SUBREAPER``; elsewhere than on Linux only the program's own group is killed.
"""

from __future__ import annotations

import _thread
import ctypes
import errno
import marshal
import os
import sys
import time

_SET_CHILD_SUBREAPER = 36
_KILL, _PIPE, _FILE_SIZE = 9, 13, 25
_BUSY_TEXT_TRIES = 50
_BUSY_TEXT_PAUSE_S = 0.01


def supervise(orders: int, answers: int) -> str:
    """Run the program that is ordered to its end.

    Args:
        orders: A pipe with what to run; at its end, the program is to be killed.
        answers: The other pipe, so that the program does not get it.

    Returns:
        ``exit CODE``, ``signal NUMBER``, or ``error ERRNO`` if it cannot be started.
    """
    for end in (orders, answers):
        os.set_inheritable(end, False)  # noqa: FBT003  # takes no keywords
    program, arguments, environment = marshal.loads(_read_order(orders))  # noqa: S302  # from our parent
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        leader = _spawn(program, arguments, environment)
    except OSError as error:
        return f"error {error.errno}"
    except ValueError:  # a zero byte in an argument or a variable
        return f"error {errno.EINVAL}"
    _let_go_of_streams()
    mutex = _thread.allocate_lock()
    is_reaped = False

    def kill_at_the_end_of_orders() -> None:
        os.read(orders, 1)
        with mutex:
            if not is_reaped:
                os.kill(leader, _KILL)

    _thread.start_new_thread(kill_at_the_end_of_orders, ())
    status = 0
    while not is_reaped:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        with mutex:
            if ended.si_pid == leader:
                # Before it is reaped, so that its number is still its own.
                _kill_group(leader)
                is_reaped = True
            _, status = os.waitpid(ended.si_pid, 0)
    _kill_children()
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"


def _read_order(pipe: int) -> bytes:
    left = int.from_bytes(os.read(pipe, 8), "big")
    parts = []
    while left:
        part = os.read(pipe, min(left, 1 << 20))
        if not part:
            os._exit(1)  # the executor died meanwhile
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _spawn(program: str, arguments: list[str], environment: dict[str, str]) -> int:
    for attempt in range(_BUSY_TEXT_TRIES):
        try:
            return os.posix_spawn(
                program, [program, *arguments], environment, setsid=True, setsigdef=(_PIPE, _FILE_SIZE)
            )
        except OSError as error:
            if error.errno != errno.ETXTBSY or attempt + 1 == _BUSY_TEXT_TRIES:
                raise
            # A thread of the executor forked while the file was being written, and its child has not executed yet.
            time.sleep(_BUSY_TEXT_PAUSE_S)
    raise AssertionError("the last try returns or raises")


def _let_go_of_streams() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _kill_group(leader: int) -> None:
    try:  # noqa: SIM105  # contextlib would have to be imported
        os.killpg(leader, _KILL)
    except (ProcessLookupError, PermissionError):
        pass


def _kill_children() -> None:
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
            if ended:
                continue
            for child in _children():
                os.kill(child, _KILL)
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    with os.scandir("/proc") as entries:
        processes = [int(entry.name) for entry in entries if entry.name.isdecimal()]
    return [process for process in processes if _parent(process) == os.getpid()]


def _parent(process: int) -> int | None:
    try:
        file = os.open(f"/proc/{process}/stat", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        # The name, in parentheses, may hold anything; state and parent come behind it.
        return int(os.read(file, 4096).rpartition(b")")[2].split()[1])
    except ProcessLookupError:
        return None
    finally:
        os.close(file)


if __name__ == "__main__":
    answers = int(sys.argv[2])
    os.write(answers, supervise(int(sys.argv[1]), answers).encode())
    # The other thread is still waiting.
    os._exit(0)
