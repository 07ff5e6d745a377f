from __future__ import annotations

import threading

from executions.process_load import LoadMeter
from executions.program_version import program_version


def test_a_process_that_works_takes_a_processor() -> None:
    meter = LoadMeter()
    idle = threading.Event()
    idle.wait(0.05)
    resting = meter.read()
    total = sum(number * number for number in range(1_500_000))
    working = meter.read()

    assert total > 0
    assert resting.cpu_percent < working.cpu_percent
    assert working.threads >= 1
    assert working.rss_bytes is None or working.rss_bytes > 10_000_000


def test_a_version_has_a_number_and_tells_sources_apart() -> None:
    number, digest = program_version().split()

    assert number[0].isdigit()
    assert len(digest) == 7
