"""What keeps a busy machine from failing what is measured in seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.harness.processors import ProcessorQueue

LINE = "some avg10=21.77 avg60=35.47 avg300=62.14 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


def test_time_in_line_counts_from_and_until_the_looks_around_it(tmp_path: Path) -> None:
    pressure = tmp_path / "cpu"
    queue = ProcessorQueue(pressure)
    instants = []
    for total in (1_000_000, 3_000_000, 7_000_000):
        pressure.write_text(LINE.format(total))
        queue.look()
        instants.append(datetime.now(UTC))
    first, second, third = instants

    assert queue.waited(first, second) == timedelta(seconds=6)
    assert queue.waited(third, third + timedelta(hours=1)) == timedelta()
    assert queue.waited(first - timedelta(hours=1), third) == timedelta(seconds=6)


def test_where_the_kernel_does_not_tell_nobody_stood_in_line(tmp_path: Path) -> None:
    started = datetime.now(UTC)

    with ProcessorQueue(tmp_path / "missing") as queue:
        assert queue.waited(started, datetime.now(UTC)) == timedelta()
