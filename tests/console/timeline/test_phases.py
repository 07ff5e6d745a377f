from __future__ import annotations

from datetime import timedelta

import pytest

from console.timeline.phases import Cap, Mark, Moment, Phase, Sign, phases_of
from engine.log import events as e
from engine.log.event_encoding import history_type_of, variant_of
from executions.instants import to_micros
from tests.builders import (
    NOW,
    after,
    make_child_request,
    make_created,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_locked,
)

BASE = to_micros(NOW)
SECOND = 1_000_000
E1 = make_execution_id(1)


def at(seconds: float) -> int:
    return BASE + int(seconds * SECOND)


def moments(*events: tuple[float, e.ExecutionEvent]) -> list[Moment]:
    return [
        Moment(
            version=version,
            at=at(seconds),
            kind=history_type_of(event) or variant_of(event),
            join_set_id=getattr(event, "join_set_id", None),
            event=event,
        )
        for version, (seconds, event) in enumerate(events)
    ]


def told(
    *events: tuple[float, e.ExecutionEvent],
    due: float = 0,
    arrivals: dict[tuple[int, str], float] | None = None,
    now: float = 100,
    cap: Cap | None = None,
) -> tuple[list[tuple[str, float, float, Cap | None]], list[Mark]]:
    spans, marks = phases_of(
        moments(*events),
        due_at=at(due),
        arrivals={key: at(seconds) for key, seconds in (arrivals or {}).items()},
        now=at(now),
        cap=cap,
    )
    return [
        (span.phase.value, (span.begin - BASE) / SECOND, (span.end - BASE) / SECOND, span.cap) for span in spans
    ], marks


def failed(until: float) -> e.TemporarilyFailed:
    return e.TemporarilyFailed(backoff_expires_at=after(until), reason="502")


def test_an_activity_waits_for_an_executor_and_runs() -> None:
    spans, _ = told((0, make_created()), (1, make_locked()), (3, make_finished()), cap=Cap.OK)

    assert spans == [("queued", 0, 1, None), ("running", 1, 3, Cap.OK)]


def test_what_is_not_due_is_scheduled_first() -> None:
    spans, _ = told((0, make_created()), (12, make_locked()), due=10, now=13)

    assert spans == [("scheduled", 0, 10, None), ("queued", 10, 12, None), ("running", 12, 13, None)]


def test_attempts_are_told_apart_with_what_lies_between() -> None:
    spans, _ = told(
        (0, make_created()),
        (1, make_locked()),
        (2, failed(until=5)),
        (6, make_locked(make_holder(2))),
        (8, e.TemporarilyTimedOut(backoff_expires_at=after(9))),
        (9, make_locked(make_holder(3))),
        (10, make_finished()),
        cap=Cap.ERROR,
    )

    assert spans == [
        ("queued", 0, 1, None),
        ("running", 1, 2, Cap.ERROR),
        ("backoff", 2, 5, None),
        ("queued", 5, 6, None),
        ("running", 6, 8, Cap.TIMEOUT),
        ("backoff", 8, 9, None),
        ("running", 9, 10, Cap.ERROR),
    ]


def test_what_goes_on_ends_now() -> None:
    events = moments((0, make_created()), (1, make_locked()))

    spans, _ = phases_of(events, due_at=at(0), arrivals={}, now=at(7), cap=None)

    assert (spans[-1].phase, spans[-1].end, spans[-1].goes_on) == (Phase.RUNNING, at(7), True)
    assert not spans[0].goes_on


def test_a_workflow_is_blocked_until_its_response_comes_and_then_waits_for_an_executor() -> None:
    spans, _ = told(
        (0, make_created()),
        (0, make_locked()),
        (1, make_child_request(E1)),
        (2, make_join_next()),
        (9, make_locked(make_holder(2))),
        arrivals={(4, "n:other"): 3, (4, "n:work"): 6},
        now=10,
    )

    assert spans == [("running", 0, 2, None), ("blocked", 2, 6, None), ("queued", 6, 9, None), ("running", 9, 10, None)]


def test_a_workflow_that_stayed_in_memory_runs_as_soon_as_its_response_is_there() -> None:
    spans, _ = told(
        (0, make_created()),
        (0, make_locked()),
        (2, make_join_next()),
        (7, make_child_request(E1, 2)),
        arrivals={(3, "n:work"): 6},
        now=8,
    )

    assert spans == [("running", 0, 2, None), ("blocked", 2, 6, None), ("running", 6, 8, None)]


def test_a_run_that_leaves_the_memory_while_it_waits_is_still_blocked() -> None:
    spans, _ = told(
        (0, make_created()),
        (0, make_locked()),
        (2, make_join_next()),
        (3, e.Unlocked(backoff_expires_at=after(3), reason="waits")),
        (9, make_locked(make_holder(2))),
        arrivals={(4, "n:work"): 8},
        now=9,
    )

    assert spans == [
        ("running", 0, 2, None),
        ("blocked", 2, 8, None),
        ("queued", 8, 9, None),
        ("running", 9, 9, None),
    ]


def test_an_extended_lock_is_a_mark_and_no_new_run() -> None:
    spans, marks = told((0, make_created()), (0, make_locked()), (5, make_locked()), (9, make_finished()), cap=Cap.OK)

    assert spans == [("running", 0, 9, Cap.OK)]
    assert [(mark.at, mark.sign) for mark in marks] == [(at(5), Sign.EXTENDED)]


def test_what_was_blocked_before_a_pause_is_so_again_behind_it() -> None:
    spans, _ = told(
        (0, make_created()),
        (0, make_locked()),
        (1, make_join_next()),
        (2, e.Paused()),
        (5, e.Unpaused()),
        now=6,
    )

    assert spans == [("running", 0, 1, None), ("blocked", 1, 2, None), ("paused", 2, 5, None), ("blocked", 5, 6, None)]


def test_what_was_answered_during_a_pause_waits_for_an_executor_behind_it() -> None:
    spans, _ = told(
        (0, make_created()),
        (0, make_locked()),
        (1, make_join_next()),
        (2, e.Paused()),
        (5, e.Unpaused()),
        arrivals={(4, "n:work"): 3},
        now=6,
    )

    assert spans[-1] == ("queued", 5, 6, None)


def test_a_cancellation_is_under_way_until_the_end() -> None:
    spans, _ = told(
        (0, make_created()), (1, make_locked()), (3, e.CancellationRequested()), (4, make_finished()), cap=Cap.CANCELLED
    )

    assert spans[-1] == ("cancelling", 3, 4, Cap.CANCELLED)


@pytest.mark.parametrize(("failure", "word"), [(None, "upgraded to"), ("diverges", "cannot be upgraded to")])
def test_upgrades_are_marked(failure: str | None, word: str) -> None:
    upgrade = e.ComponentUpgradeFinished(
        component_digest="sha256:ab", deployment_id=make_created().deployment_id, failure=failure
    )

    _, marks = told((0, make_created()), (1, upgrade))

    assert marks == [Mark(at(1), Sign.UPGRADED, f"{word} sha256:ab")]


def test_a_part_of_a_log_begins_with_what_it_tells() -> None:
    part = moments((0, make_created()), (0, make_locked()), (2, make_join_next()), (4, make_child_request(E1, 2)))[2:]

    spans, _ = phases_of(part, due_at=at(0), arrivals={}, now=at(5), cap=None)

    assert [(span.phase, span.begin, span.end) for span in spans] == [
        (Phase.BLOCKED, at(2), at(4)),
        (Phase.RUNNING, at(4), at(5)),
    ]
    assert spans[1].text == "run", "it does not tell how many there were before"


def test_long_reasons_are_cut() -> None:
    failure = e.TemporarilyFailed(backoff_expires_at=NOW + timedelta(seconds=2), reason="x" * 10_000)

    spans, _ = phases_of(
        moments((0, make_created()), (0, make_locked()), (1, failure)), due_at=at(0), arrivals={}, now=at(2), cap=None
    )

    assert len(spans[0].text) < 200
