from __future__ import annotations

from datetime import timedelta

import pytest

from engine.log import events as e
from engine.log.return_values import CANCELLED, Failed, FailureKind, Returned
from executions.models import Event, Execution, RollUp, RollUpCursor
from executions.retention.pruning import prune
from executions.retention.rules import parse_rules
from executions.statistics import rolling_up
from executions.statistics.buckets import percentile
from executions.statistics.reading import Stretch, by_function, by_start, read_stretches, together
from executions.statistics.rolling_up import roll_up
from executions.statistics.tallies import ENDS, Outcome
from executions.statistics.tiers import DAYS, HOURS, MINUTES, TIERS
from tests.builders import FFQN, NOW, after, make_created, make_execution_id
from tests.executions.statistics.ended import newest, run_once, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

OTHER = "test:pkg/api.other"
FAILED = Failed(kind=FailureKind.TIMED_OUT)
ERROR = Returned(ok=False, payload=None)


def count_all(*, batch: int = 1000) -> None:
    while roll_up(NOW, until=newest(), batch=batch):
        pass


def minutes() -> list[Stretch]:
    return sorted(
        read_stretches(MINUTES, NOW - timedelta(hours=1)), key=lambda each: (each.start, each.ffqn, each.outcome)
    )


def counts() -> dict[Outcome, int]:
    return {outcome: tally.count for outcome, tally in by_function(minutes()).get(FFQN, {}).items()}


def test_ends_are_counted_by_function_and_outcome() -> None:
    run_once(1)
    run_once(2)
    run_once(3, retval=ERROR)
    run_once(4, retval=FAILED)
    run_once(5, retval=CANCELLED)
    run_once(6, ffqn=OTHER)

    count_all()

    assert counts() == {Outcome.OK: 2, Outcome.ERROR: 1, Outcome.FAILED: 1, Outcome.CANCELLED: 1}
    assert by_function(minutes())[OTHER][Outcome.OK].count == 1


def test_failed_attempts_are_counted_when_they_fail_and_are_no_ends() -> None:
    run_once(1, failed_attempts=3)

    count_all()

    assert counts() == {Outcome.OK: 1, Outcome.RETRIED: 3}
    assert together(by_function(minutes())[FFQN], ENDS).count == 1


def test_a_run_is_timed_from_its_first_start_and_the_start_from_when_it_was_due() -> None:
    run_once(1, waited=timedelta(seconds=2.5), took=timedelta(seconds=0.4), failed_attempts=1)

    count_all()

    tally = by_function(minutes())[FFQN][Outcome.OK]
    assert (tally.start_us, tally.run_us) == (2_500_000, 400_000)
    assert percentile(tally.starts, 1.0) == timedelta(seconds=3)
    assert percentile(tally.runs, 1.0) == timedelta(seconds=0.5)


def test_what_ended_without_a_start_has_no_times() -> None:
    store(make_execution_id(1), [(NOW, make_created()), (after(9), e.Finished(retval=CANCELLED))])

    count_all()

    tally = by_function(minutes())[FFQN][Outcome.CANCELLED]
    assert (tally.count, tally.run_us, dict(tally.runs), dict(tally.starts)) == (1, 0, {}, {})


def test_an_end_counts_in_the_minute_in_which_it_came() -> None:
    run_once(1, took=timedelta(seconds=59))
    run_once(2, took=timedelta(seconds=61))

    count_all()

    assert [(each.start, each.tally.count) for each in minutes()] == [(NOW, 1), (after(60), 1)]
    assert list(by_start(minutes())) == [NOW, after(60)]
    assert [each.tally.count for each in read_stretches(HOURS, NOW)] == [2]


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 1000])
def test_every_event_is_counted_once_however_large_the_batches_are(batch: int) -> None:
    for number in range(1, 8):
        run_once(number, failed_attempts=number % 2)

    count_all(batch=batch)
    count_all(batch=batch)

    assert counts() == {Outcome.OK: 7, Outcome.RETRIED: 4}
    for tier in TIERS:
        ends = together(by_function(read_stretches(tier, NOW - timedelta(days=1)))[FFQN], ENDS)
        assert (ends.count, sum(ends.runs.values()), ends.run_us) == (7, 7, 7000)


def test_what_came_since_is_added() -> None:
    run_once(1)
    count_all()
    first = minutes()[0].tally.last_event_id
    run_once(2)

    count_all()

    assert counts() == {Outcome.OK: 2}
    assert minutes()[0].tally.last_event_id > first


def test_two_who_count_at_the_same_time_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run_once(1)
    run_once(2)
    count_all()
    run_once(3)
    alone = rolling_up._count

    def overtaken(after_id: int, until: int) -> object:
        monkeypatch.setattr(rolling_up, "_count", alone)
        count_all()
        return alone(after_id, until)

    monkeypatch.setattr(rolling_up, "_count", overtaken)
    count_all()

    assert counts() == {Outcome.OK: 3}


def test_a_failure_while_writing_leaves_the_cursor_and_the_numbers_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_once(1)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(type(RollUp.objects.all()), "bulk_create", fail)
        with pytest.raises(OSError, match="disk is full"):
            count_all()
    assert RollUpCursor.objects.get().event_id == 0
    count_all()

    assert counts() == {Outcome.OK: 1}


def test_stretches_that_are_kept_no_longer_are_not_begun() -> None:
    run_once(1, due_at=NOW - timedelta(days=3))

    count_all()

    assert minutes() == []
    assert [each.tally.count for each in read_stretches(HOURS, NOW - timedelta(days=4))] == [1]
    assert [each.start for each in read_stretches(DAYS, NOW - timedelta(days=4))] == [NOW - timedelta(days=3)]


def test_when_the_end_of_the_log_was_deleted_what_gets_its_numbers_anew_is_counted() -> None:
    for number in (1, 2):
        run_once(number)
    count_all()
    prune(parse_rules("* any 0s"), NOW + timedelta(days=1), pause=lambda _: None)
    assert not Execution.objects.exists()

    count_all()
    run_once(3)
    count_all()

    assert counts() == {Outcome.OK: 3}


def test_numbers_stay_when_executions_are_deleted() -> None:
    run_once(1)
    count_all()
    prune(parse_rules("* any 0s"), NOW + timedelta(days=1), pause=lambda _: None)

    assert (Event.objects.count(), counts()) == (0, {Outcome.OK: 1})
