from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.log.event_encoding import encode_event
from engine.log.events import ExecutionEvent, JoinSetCreated, LogEntry, Paused, Unlocked, Unpaused
from engine.log.ids import JoinSetId, Version
from engine.workflow.history import History

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = JoinSetCreated(join_set_id=JoinSetId("n:a"))
SECOND = JoinSetCreated(join_set_id=JoinSetId("n:b"))
OTHER = JoinSetCreated(join_set_id=JoinSetId("n:c"))


def _history(*events: ExecutionEvent) -> History:
    return History(LogEntry(Version(index), NOW, event) for index, event in enumerate(events))


def test_history_events_are_read_in_order_and_others_passed_over() -> None:
    unlocked = Unlocked(backoff_expires_at=NOW + timedelta(1), reason="x")
    history = _history(Paused(), FIRST, Unpaused(), unlocked, SECOND)

    read = []
    while (event := history.peek()) is not None:
        assert history.is_replaying
        read.append(event)
        history.advance()

    assert read == [FIRST, SECOND]
    assert not history.is_replaying


def test_an_empty_history_is_at_its_tip() -> None:
    history = _history(Paused())

    assert history.peek() is None
    assert not history.is_replaying
    assert history.remaining == []


def test_peeking_does_not_move_on() -> None:
    history = _history(FIRST, SECOND)

    assert history.peek() is history.peek()
    assert history.remaining == [FIRST, SECOND]


def test_a_difference_names_the_position_in_the_log_and_both_sides() -> None:
    history = _history(Paused(), FIRST, Unpaused(), SECOND)
    history.advance()

    error = history.differ(OTHER)

    assert (error.version, error.recorded, error.requested) == (3, encode_event(SECOND), encode_event(OTHER))


def test_what_is_left_over_is_named_without_a_request() -> None:
    history = _history(Paused(), FIRST)

    error = history.left_over()

    assert (error.version, error.recorded, error.requested) == (1, encode_event(FIRST), None)
