from __future__ import annotations

import pytest
from django.core.exceptions import BadRequest
from django.http import QueryDict

from console.executions.event_words import event_line
from console.parts.event_filter import FAILURES, EventFilter
from console.parts.event_kinds import KINDS
from engine.log import events as e
from engine.log.event_encoding import KINDS as STORED_KINDS
from engine.log.event_encoding import encode_event, history_type_of, variant_of
from engine.log.ids import JoinSetId
from engine.log.return_values import Failed, FailureKind, JsonText, Returned, TypedValue
from engine.workflow.inheritance import SEED_KEY
from executions.journal.journal import SqlJournal
from executions.models import Event, Execution
from tests.builders import (
    NOW,
    make_child_request,
    make_created,
    make_delay_request,
    make_execution_id,
    make_finished,
    make_join_next,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

E1 = make_execution_id(1)
_NASTY = JsonText('["\\"result\\":{\\"type\\":\\"ok\\"}}}}}"]')
_BAD_OR_GOOD: list[e.ExecutionEvent] = [
    make_locked(),
    e.TemporarilyFailed(backoff_expires_at=NOW, reason='{"ok":'),
    e.TemporarilyTimedOut(backoff_expires_at=NOW),
    make_finished(),
    e.Finished(retval=Returned(True, None)),
    e.Finished(retval=Returned(False, TypedValue("string", JsonText('"ok"')))),
    e.Finished(retval=Failed(kind=FailureKind.CANCELLED)),
    e.ComponentUpgradeFinished(component_digest="sha256:a", deployment_id=make_created().deployment_id),
    e.ComponentUpgradeFinished(component_digest="sha256:a", deployment_id=make_created().deployment_id, failure="x"),
    make_child_request(E1, params=_NASTY),
    e.ChildRequested(
        join_set_id=JoinSetId("n:a"),
        child_execution_id=E1,
        target_ffqn="a:b/c.d",
        params=_NASTY,
        error=e.TypeCheckError('"result":{"type":"ok"}}}}}'),
    ),
    make_delay_request(E1),
    make_delay_request(E1, paused=True),
    e.Stubbed(target_execution_id=E1, retval_hash="01"),
    e.Stubbed(target_execution_id=E1, retval_hash="01", error=e.StubConflict()),
    make_join_next(),
]


def stored(event: e.ExecutionEvent, version: int) -> Event:
    return Event.objects.create(
        execution_id=E1,
        version=version,
        created_at=NOW,
        variant=variant_of(event),
        history_event_type=history_type_of(event),
        payload=encode_event(event),
    )


@pytest.fixture
def execution(db: None) -> Execution:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created(metadata=((SEED_KEY, "topsecret"),))))
    return Execution.objects.get(pk=E1)


def versions(execution: Execution, query: str) -> list[int]:
    events = Event.objects.filter(execution_id=execution.pk)
    matching = EventFilter.read(QueryDict(query)).matching(events)
    return list((events if matching is None else matching).order_by("version").values_list("version", flat=True))


@pytest.mark.usefixtures("execution")
def test_the_database_finds_the_same_failures_as_are_marked() -> None:
    rows = [stored(event, version) for version, event in enumerate(_BAD_OR_GOOD, start=1)]

    found = set(Event.objects.filter(FAILURES).values_list("version", flat=True))

    assert found == {row.version for row in rows if event_line(row, NOW).is_bad}
    assert 0 < len(found) < len(rows)


def test_every_kind_of_event_is_in_a_group() -> None:
    stored_types = {kind.history_type or kind.variant for kind in STORED_KINDS.values()}

    assert stored_types == KINDS


def test_kinds_and_groups_may_be_mixed(execution: Execution) -> None:
    events: list[e.ExecutionEvent] = [make_locked(), make_join_next(), e.Paused()]
    for version, event in enumerate(events, start=1):
        stored(event, version)

    assert versions(execution, "kind=runs&kind=join_next") == [1, 2]
    assert versions(execution, "") == [0, 1, 2, 3]


def test_text_is_found_wherever_it_stands_but_not_in_what_nobody_may_see(execution: Execution) -> None:
    stored(e.Unlocked(backoff_expires_at=NOW, reason="100% Done_"), 1)

    assert versions(execution, "text=100%25+done_") == [1]
    assert versions(execution, "text=%25%25") == []
    assert versions(execution, "text=topsecret") == []
    assert versions(execution, "text=test:pkg") == [0]


@pytest.mark.parametrize("query", ["kind=nonsense", "text=%00", f"join_set={'x' * 201}"])
def test_what_makes_no_sense_is_refused(query: str) -> None:
    with pytest.raises(BadRequest):
        EventFilter.read(QueryDict(query))
