"""Keeps a forked process from hanging in its first compile.

wasmtime compiles on a pool of threads that belongs to the process, not to an engine. A process that has compiled and
then forks leaves children that believe in a pool whose threads do not exist for them: their first compile waits for
ever. Two ways out:

* A process that only forks workers never compiles; ``must_not_compile_before_fork`` makes it say so when it tries.
* A child of a process that has compiled uses engines that compile on the calling thread; ``WasmEngine`` does that by
  itself for engines made after the fork. An engine inherited from before refuses to compile.

Loading a component that was compiled ahead of time is safe everywhere.
"""

from __future__ import annotations

import os

from engine.errors import WasmError


class _Processes:
    """What is known about this process and the ones it was forked from."""

    compiled_in: int | None = None
    forbidden_in: int | None = None
    forbidden_because: str = ""


def must_not_compile_before_fork(why: str) -> None:
    """Refuse to compile in this process, but not in the ones it forks.

    Args:
        why: What the error tells the reader, such as ``the cluster's parent forks its workers``.
    """
    _Processes.forbidden_in = os.getpid()
    _Processes.forbidden_because = why


def may_compile_before_fork() -> None:
    """Lift what ``must_not_compile_before_fork`` imposed."""
    _Processes.forbidden_in = None


def is_parallel_compilation_safe() -> bool:
    """Tell whether no process that this one was forked from has compiled in parallel."""
    return _Processes.compiled_in in (None, os.getpid())


def before_compiling(*, is_parallel: bool) -> None:
    """Check that compiling now neither hangs nor makes forked children hang.

    Raises:
        WasmError: If it would.
    """
    if _Processes.forbidden_in == os.getpid():
        raise WasmError(f"this process must not compile WebAssembly: {_Processes.forbidden_because}")
    if not is_parallel:
        return
    if not is_parallel_compilation_safe():
        raise WasmError(
            "this engine was made before the process was forked from one that had compiled WebAssembly, so compiling "
            "would hang; make a new engine in this process or load a component compiled ahead of time"
        )
    _Processes.compiled_in = os.getpid()
