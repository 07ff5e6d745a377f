"""What is sent when: the cursor, whatever the database says of how far the log is settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from engine.log.tracing import execution_span
from executions.journal.journal import SqlJournal
from executions.models import Event, TraceCursor
from executions.tracing import keeping
from executions.tracing.keeping import TraceKeeper
from executions.tracing.spans import Span
from tests.builders import make_created, make_execution_id, make_finished, make_submit
from tests.engine.journal.commits import commit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

E1, E2, E3 = (make_execution_id(number) for number in (1, 2, 3))


class Kept:
    """An exporter that keeps spans, or takes none."""

    def __init__(self) -> None:
        self.spans: list[str] = []
        self.is_away = False

    def export(self, spans: Sequence[Span]) -> bool:
        if not self.is_away:
            self.spans += [span.span_id for span in spans]
        return not self.is_away

    def close(self) -> None:
        pass


class Settled:
    """As PostgreSQL tells how far the log is settled: nothing at first."""

    def __init__(self) -> None:
        self.row = 0

    def until(self) -> int:
        return self.row


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def keeper(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> TraceKeeper:
    keeper = TraceKeeper(kept)
    monkeypatch.setattr(keeper, "_settled", Settled())
    return keeper


def end(execution_id: str, *, ago: timedelta = timedelta(minutes=1)) -> None:
    at = timezone.now() - ago
    write = make_submit(execution_id, make_created(scheduled_at=at), make_finished(), at=at)  # type: ignore[arg-type]  # an id
    commit(SqlJournal.for_current_connection(), write, now=at)


def settle(keeper: TraceKeeper) -> None:
    keeper._settled.row = Event.objects.latest("pk").pk  # type: ignore[attr-defined]  # the test's own


def send_all(keeper: TraceKeeper) -> None:
    """Send as its thread does: so many rows at a time, and on PostgreSQL the first row has any number."""
    while keeper.send_next():
        pass


def test_what_ended_before_the_first_look_is_not_sent_and_all_later_is_once(keeper: TraceKeeper, kept: Kept) -> None:
    end(E1)
    assert keeper.send_next() is False
    end(E2)
    assert keeper.send_next() is False
    assert kept.spans == []

    settle(keeper)
    send_all(keeper)
    send_all(keeper)

    assert kept.spans == [execution_span(E2)]


def test_what_ended_a_moment_ago_waits(keeper: TraceKeeper, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "BEHIND", timedelta(hours=1))
    send_all(keeper)
    end(E1, ago=timedelta(hours=2))
    end(E2)
    end(E3, ago=timedelta(hours=2))
    settle(keeper)

    send_all(keeper)

    assert kept.spans == [execution_span(E1)]


def test_what_a_collector_did_not_take_is_sent_again(keeper: TraceKeeper, kept: Kept) -> None:
    send_all(keeper)
    end(E1)
    settle(keeper)
    kept.is_away = True
    send_all(keeper)
    assert kept.spans == []

    kept.is_away = False
    send_all(keeper)

    assert kept.spans == [execution_span(E1)]


def test_a_process_whose_clock_was_ahead_stops_nobody_from_sending(keeper: TraceKeeper, kept: Kept) -> None:
    send_all(keeper)
    end(E1)
    settle(keeper)
    TraceCursor.objects.update(claimed_until=timezone.now() + timedelta(hours=2))

    send_all(keeper)

    assert kept.spans == [execution_span(E1)]


def test_while_another_process_sends_nobody_else_does(keeper: TraceKeeper, kept: Kept) -> None:
    send_all(keeper)
    end(E1)
    settle(keeper)
    TraceCursor.objects.update(claimed_until=timezone.now() + timedelta(minutes=1))
    assert keeper.send_next() is False

    TraceCursor.objects.update(claimed_until=timezone.now())
    send_all(keeper)

    assert kept.spans == [execution_span(E1)]
