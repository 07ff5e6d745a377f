from __future__ import annotations

from datetime import datetime

from engine.executor.running import Running
from tests.builders import NOW, make_execution_id

ONE, OTHER = make_execution_id(1), make_execution_id(2)


class Attempt:
    def __init__(self) -> None:
        self.interrupts = 0

    def interrupt(self) -> None:
        self.interrupts += 1


class Run:
    def __init__(self) -> None:
        self.stops = 0
        self.renewals: list[datetime] = []

    def stop(self) -> None:
        self.stops += 1

    def renew(self, now: datetime) -> None:
        self.renewals.append(now)


def test_stopping_an_execution_stops_its_attempt_and_its_run_and_no_other() -> None:
    running, attempt, other, run = Running(), Attempt(), Attempt(), Run()
    running.attempt_begins(ONE, attempt)
    running.attempt_begins(OTHER, other)
    running.begins(ONE, run)

    running.stop(ONE)

    assert (attempt.interrupts, other.interrupts, run.stops) == (1, 0, 1)


def test_what_has_ended_is_not_touched() -> None:
    running, attempt, run = Running(), Attempt(), Run()
    running.attempt_begins(ONE, attempt)
    running.attempt_ends(ONE, attempt)
    running.begins(ONE, run)
    running.ends(ONE, run)

    running.stop(ONE)
    running.close()

    assert (attempt.interrupts, run.stops) == (0, 0)
    assert running.runs() == []


def test_a_run_that_ends_late_does_not_take_the_next_one_with_it() -> None:
    running, run, next_run, attempt, next_attempt = Running(), Run(), Run(), Attempt(), Attempt()
    running.begins(ONE, run)
    running.begins(ONE, next_run)
    running.attempt_begins(ONE, attempt)
    running.attempt_begins(ONE, next_attempt)

    running.ends(ONE, run)
    running.attempt_ends(ONE, attempt)
    running.stop(ONE)

    assert (run.stops, next_run.stops) == (0, 1)
    assert (attempt.interrupts, next_attempt.interrupts) == (0, 1)


def test_the_runs_of_the_moment_can_be_renewed_while_others_come_and_go() -> None:
    running, first, second = Running(), Run(), Run()
    running.begins(ONE, first)
    moment = running.runs()
    running.ends(ONE, first)
    running.begins(OTHER, second)

    for run in moment:
        run.renew(NOW)

    assert (first.renewals, second.renewals) == ([NOW], [])


def test_closing_stops_the_attempts_of_now_and_of_later() -> None:
    running, before, after = Running(), Attempt(), Attempt()
    running.attempt_begins(ONE, before)

    running.close()
    running.attempt_begins(OTHER, after)

    assert (before.interrupts, after.interrupts) == (1, 1)
