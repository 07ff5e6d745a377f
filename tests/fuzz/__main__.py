"""``python -m tests.fuzz``: hostile input against the real parts; ``make fuzz`` is its door."""

from __future__ import annotations

import argparse
import hashlib
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.fuzz.corpus import IN_PROCESS, LEGS, WIRE

_REPOSITORY: Final = Path(__file__).parents[2]
_SILENT_S: Final = 120.0
"""How long one case may take, everything included, before its process is killed."""
_START_S: Final = 600.0
"""How long the set-up may take; the first time, interpreters are built."""
_WIRE_SHARE: Final = 0.25
CURRENT: Final = "current.http"


class Campaign:
    """A worker process that makes cases and sends them, and what it found.

    Args:
        folder: Where findings go, a folder for each kind of input.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = time.monotonic()
        self._is_set_up = False
        self.found = 0

    def run(self, *arguments: str) -> None:
        """Run a worker with these arguments to its end, or until it hangs."""
        command = [sys.executable, "-m", "tests.fuzz.worker", "--folder", str(self._folder), *arguments]
        path = self._folder / "worker.log"
        self._is_set_up = False
        with path.open("ab") as log:
            worker = subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.PIPE, stderr=log, text=True)
            over = threading.Event()
            threading.Thread(target=self._watch, args=(worker, over), daemon=True).start()
            assert worker.stdout is not None
            for line in worker.stdout:
                self._take(json.loads(line))
            status = worker.wait()
            over.set()
        if status != 0:
            self._keep(f"the process ended with {status}, by itself or because nothing came of a case; see {path}")

    def _watch(self, worker: subprocess.Popen[str], over: threading.Event) -> None:
        started = time.time()
        while not over.wait(1):
            current = self._current()
            last = current.stat().st_mtime if current is not None else 0.0
            if time.time() > (max(last, started) + _SILENT_S if self._is_set_up else started + _START_S):
                worker.kill()
                return

    def _take(self, told: dict[str, Any]) -> None:
        self._is_set_up = True
        if "finding" in told:
            self.found += 1
            _say(f"FOUND {told['finding']}\n      make fuzz CASE={told['path']}")
        else:
            tried = ", ".join(f"{number:,} {leg}" for leg, number in told["tried"].items())
            _say(f"{time.monotonic() - self._started:5.0f} s  {tried}; {self.found} findings")

    def _keep(self, what: str) -> None:
        self.found += 1
        current = self._current()
        _say(f"FOUND {what}")
        if current is not None:
            kept = current.with_name(f"{hashlib.sha256(current.read_bytes()).hexdigest()[:8]}.http")
            current.rename(kept)
            _say(f"      make fuzz CASE={kept}")

    def _current(self) -> Path | None:
        """The case that was sent last."""
        written = list(self._folder.glob(f"*/{CURRENT}"))
        return max(written, key=lambda path: path.stat().st_mtime, default=None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, and return the exit status: 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long, without the set-up")
    parser.add_argument("--seed", type=int, help="the same gives the same cases; a random one by default")
    parser.add_argument("--leg", action="append", choices=LEGS, help="kinds of input; all by default")
    parser.add_argument("--folder", type=Path, default=_REPOSITORY / "var" / "fuzz", help="where findings go")
    parser.add_argument("--case", type=Path, help="send one case, such as an earlier finding, and nothing else")
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    campaign = Campaign(given.folder.resolve())
    if given.case is not None:
        campaign.run("--case", str(given.case.resolve()))
        _say("as it was" if campaign.found else "nothing is wrong with it any more")
        return 1 if campaign.found else 0
    seed = secrets.randbelow(2**31) if given.seed is None else given.seed
    _say(f"seed {seed}: make fuzz SEED={seed} SECONDS={given.seconds:g} sends the same")
    chosen = given.leg or list(LEGS)
    in_process = [leg for leg in IN_PROCESS if leg in chosen]
    shares = (
        [(in_process, 1 - _WIRE_SHARE), ([WIRE], _WIRE_SHARE)] if WIRE in chosen and in_process else [(chosen, 1.0)]
    )
    for legs, share in shares:
        campaign.run("--legs", ",".join(legs), "--seed", str(seed), "--seconds", str(given.seconds * share))
    _say(f"{campaign.found} findings")
    return 1 if campaign.found else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
