"""The process that makes cases and sends them; ``python -m tests.fuzz`` starts it and looks after it.

Each case is written to a file before it is sent, so that what kills this process is known. Lines on standard output are
JSON documents for the process that looks after it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

# They need Django, which is set up now.
from django.core.management import call_command  # noqa: E402

from components.runtime_loads import site_runtimes  # noqa: E402
from tests.fuzz.corpus import WIRE, kept_cases  # noqa: E402
from tests.fuzz.judging import Finding, judge  # noqa: E402
from tests.fuzz.legs import make_case  # noqa: E402
from tests.fuzz.messages import parse_request  # noqa: E402
from tests.fuzz.minimising import minimise  # noqa: E402
from tests.fuzz.sites import site_in_process  # noqa: E402
from tests.fuzz.wire import server  # noqa: E402

Judge = Callable[[bytes], Finding | None]

_MINIMISE_WITHIN_S = 30.0
_TELL_EVERY_S = 5.0
_MOST_FINDINGS = 20
"""What goes wrong so often need not be tried further."""


@contextmanager
def judge_of(legs: list[str], folder: Path) -> Iterator[Judge]:
    """Give what judges cases of these kinds, which are all for a socket or all for this process."""
    if legs == [WIRE]:
        with server(folder) as judging:
            yield judging
        return
    call_command("migrate", verbosity=0)
    if "sources" in legs or "manifests" in legs:
        for language in ("python", "javascript"):
            site_runtimes.begin(language).result()
    with site_in_process(folder) as site:
        yield lambda content: judge(site, content)


class Worker:
    """Sends cases and keeps what is wrong.

    Args:
        judging: Sends one, and says what is wrong.
        folder: Where findings go.
    """

    def __init__(self, judging: Judge, folder: Path) -> None:
        self._judging, self._folder = judging, folder
        self._tried: Counter[str] = Counter()
        self._found = 0
        _tell(tried={})

    def run(self, legs: list[str], seed: int, seconds: float) -> None:
        """Send the corpus, then new cases, until the time is over."""
        until = time.monotonic() + seconds
        for leg in legs:
            for path in kept_cases(leg):
                self.send(leg, path.read_bytes(), name=path.stem)
        told = time.monotonic()
        for number in count():
            for leg in legs:
                self.send(leg, make_case(leg, seed, number), name=str(number))
                if time.monotonic() > until or self._found == _MOST_FINDINGS:
                    _tell(tried=self._tried)
                    return
            if time.monotonic() > told + _TELL_EVERY_S:
                told = time.monotonic()
                _tell(tried=self._tried)

    def send(self, leg: str, content: bytes, *, name: str) -> None:
        """Send a case; what is wrong with how it was taken is made smaller, kept and told."""
        self._tried[leg] += 1
        finding = self._judge(leg, content)
        if finding is None:
            return
        self._found += 1

        def still_shows(smaller: bytes) -> bool:
            try:
                again = self._judge(leg, _tidy(leg, smaller))
            except ValueError:  # what is left is no request
                return False
            return again is not None and again.kind == finding.kind

        content = _tidy(leg, minimise(content, still_shows, within_s=_MINIMISE_WITHIN_S))
        path = self._folder / leg / f"{hashlib.sha256(content).hexdigest()[:8]}.http"
        path.write_bytes(content)
        _tell(finding=f"{leg} {name}: {finding.kind}: {finding.detail}", path=str(path))

    def _judge(self, leg: str, content: bytes) -> Finding | None:
        # Before it is sent: it may be the last that this process does.
        current = self._folder / leg / "current.http"
        current.parent.mkdir(parents=True, exist_ok=True)
        current.write_bytes(content)
        return self._judging(content)


def _tidy(leg: str, content: bytes) -> bytes:
    """Return a case that lost bytes as it would be written: with the length that its body has now.

    Raises:
        ValueError: If it is no request any more.
    """
    return content if leg == WIRE else parse_request(content).encode()


def _tell(**document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run until the time is over, or over one case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--legs")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--case", type=Path)
    given = parser.parse_args()
    legs = [given.case.parent.name] if given.case else given.legs.split(",")
    with tempfile.TemporaryDirectory() as folder, judge_of(legs, Path(folder)) as judging:
        worker = Worker(judging, given.folder)
        if given.case:
            worker.send(legs[0], given.case.read_bytes(), name=given.case.stem)
        else:
            worker.run(legs, given.seed, given.seconds)


if __name__ == "__main__":
    main()
