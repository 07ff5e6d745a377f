from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

_COUNT_ARENAS = """
import ctypes, threading
from executions.process_memory import limit_arenas

{call}
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
met = threading.Barrier(8)

def ask():
    libc.malloc(100_000)
    met.wait()

threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
stdout = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, stdout)
libc.fflush(stdout)
"""


def arenas_of_eight_threads(call: str, **environment: str) -> int:
    result = subprocess.run(
        [sys.executable, "-c", _COUNT_ARENAS.format(call=call)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc")
def test_threads_share_two_heaps_unless_the_environment_says_otherwise() -> None:
    assert arenas_of_eight_threads("") > 2
    assert arenas_of_eight_threads("limit_arenas()") == 2
    assert arenas_of_eight_threads("limit_arenas()", MALLOC_ARENA_MAX="3") == 3
