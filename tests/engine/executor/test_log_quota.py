from __future__ import annotations

from engine.executor.log_quota import LogQuota
from engine.journal.records import LogLine
from tests.builders import make_log_line

REACHED = "[the limit limits.log_lines = 3 is reached; the rest is dropped]"


def messages(*, most: int, earlier: int | None, lines: int) -> list[str]:
    """What comes through of so many lines, each of which is its number."""
    through: list[LogLine] = []
    quota = LogQuota(most, through.append, earlier=None if earlier is None else lambda: earlier)
    for number in range(lines):
        quota.add(make_log_line(message=str(number)))
    return [line.message for line in through]


def test_lines_come_through_until_there_are_too_many_which_is_said_once() -> None:
    assert messages(most=3, earlier=None, lines=3) == ["0", "1", "2"]
    assert messages(most=3, earlier=None, lines=9) == ["0", "1", "2", REACHED]


def test_lines_of_earlier_runs_count() -> None:
    assert messages(most=3, earlier=0, lines=9) == ["0", "1", "2", REACHED]
    assert messages(most=3, earlier=2, lines=9) == ["0", REACHED]


def test_it_is_said_by_the_run_that_meets_the_limit_and_by_no_later_one() -> None:
    assert messages(most=3, earlier=3, lines=9) == [REACHED]
    assert messages(most=3, earlier=4, lines=9) == []


def test_no_lines_at_all_may_be_wanted() -> None:
    assert messages(most=0, earlier=None, lines=2) == [REACHED.replace("3", "0")]
