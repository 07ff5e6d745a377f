"""``python -m bench.executor``: a second executor process on the environment's site, until its input ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.site import ROOT


@contextmanager
def second_executor() -> Iterator[None]:
    """Have another process run executions of this site; begins when that one is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.executor"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the second executor did not start")
        yield
    finally:
        process.stdin.close()
        process.wait()


def main() -> None:
    """Run executions."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "obelisk_site.settings"
    import django

    django.setup()
    from executions.hosting import ExecutorHost
    from executions.process_memory import limit_arenas, spare_collector

    limit_arenas()
    host = ExecutorHost()
    spare_collector()
    host.start()
    print("ready", flush=True)
    sys.stdin.read()
    host.stop()


if __name__ == "__main__":
    main()
