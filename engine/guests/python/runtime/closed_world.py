"""What the sandbox does not have fails with a sentence that says what to do instead.

The originals would say ``[Errno 44]`` or trap.
"""

from __future__ import annotations

import builtins
import importlib.abc
import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

_NO_FILES = "there are no files in the sandbox; pass the data as a parameter, or fetch it over HTTP in an activity"
_NO_SOCKETS = "sockets are closed in the sandbox; use obelisk.http in an activity"
_NO_THREADS = "there are no threads in the sandbox; use gather() or join_set()"
_NO_PROCESSES = "there are no processes in the sandbox; use an activity_exec component"
_NO_KEYBOARD = "nobody is at the keyboard; take a parameter, or ask with a @stub"

# fmt: off
_FILE_CALLS = (
    "access", "chdir", "chmod", "chown", "link", "listdir", "lstat", "makedirs", "mkdir", "mkfifo", "open", "readlink",
    "remove", "removedirs", "rename", "renames", "replace", "rmdir", "scandir", "stat", "statvfs", "symlink",
    "truncate", "unlink", "utime", "walk",
)
_PROCESS_CALLS = (
    "execv", "execve", "fork", "forkpty", "popen", "posix_spawn", "posix_spawnp", "spawnv", "spawnve", "system",
)
# fmt: on


def _refusing(error: type[Exception], sentence: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise error(sentence)

    return refuse


class _NoSuchModule(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        raise ModuleNotFoundError(
            f"{fullname} is not in the sandbox; it has the standard library's pure modules and the files of this "
            "component",
            name=fullname,
        )


def close() -> None:
    """Replace what needs files, sockets, threads, processes or a keyboard; done once, when the runtime is built."""
    no_file = _refusing(FileNotFoundError, _NO_FILES)
    builtins.open = no_file
    io.open = no_file
    _replace(os, _FILE_CALLS, no_file)
    os.path.exists = os.path.isfile = os.path.isdir = os.path.islink = lambda *_: False  # type: ignore[assignment]
    no_process = _refusing(OSError, _NO_PROCESSES)
    for name in _PROCESS_CALLS:
        # This build of Python has none of them; scripts that were written elsewhere ask all the same.
        setattr(os, name, no_process)
    builtins.input = _refusing(EOFError, _NO_KEYBOARD)
    _replace_in("tempfile", "mkstemp mkdtemp TemporaryFile NamedTemporaryFile TemporaryDirectory gettempdir", no_file)
    _replace_in("subprocess", "Popen run call check_call check_output", no_process)
    _replace_in(
        "socket",
        "socket create_connection create_server getaddrinfo gethostbyname gethostbyname_ex socketpair",
        _refusing(OSError, _NO_SOCKETS),
    )
    no_thread = _refusing(RuntimeError, _NO_THREADS)
    _replace_in("_thread", "start_new_thread start_new start_joinable_thread", no_thread)
    _replace_in("threading", "_start_joinable_thread _start_new_thread", no_thread)
    _replace_in("asyncio", "run", no_thread)
    _replace_in("asyncio.runners", "run", no_thread)
    _replace_in("multiprocessing", "Process Pool", no_thread)
    if "concurrent.futures.thread" in sys.modules:
        sys.modules["concurrent.futures.thread"].ThreadPoolExecutor.submit = no_thread
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, _NoSuchModule()]


def _replace(module: Any, names: Iterable[str], refuse: Callable[..., NoReturn]) -> None:
    for name in names:
        if hasattr(module, name):
            setattr(module, name, refuse)


def _replace_in(module: str, names: str, refuse: Callable[..., NoReturn]) -> None:
    if module in sys.modules:
        _replace(sys.modules[module], names.split(), refuse)
