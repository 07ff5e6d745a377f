"""Events of a newer version in a log: this executor leaves the execution alone, and goes on with others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.services import deploy
from engine.errors import StoredEventInvalid
from engine.log.ids import ExecutionId
from executions.hosting import ExecutorHost
from executions.journal.journal import SqlJournal
from executions.models import Event, Execution
from executions.operations.answering import answer
from executions.operations.submitting import submit
from tests.components_app.builders import TEST_COMPONENTS
from tests.harness.components import ADD, ASK_AND_WAIT
from tests.harness.eventually import eventually
from tests.harness.hosts import running_host

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = '{"from_the_future":{"answer":42}}'


@pytest.fixture
def host() -> Iterator[ExecutorHost]:
    """An executor that unloads what waits at once, so that it is replayed."""
    deploy(TEST_COMPONENTS)
    with running_host() as host:
        yield host


def test_an_execution_with_an_unknown_event_is_left_to_others_until_it_can_be_read(host: ExecutorHost) -> None:
    journal = SqlJournal.for_current_connection()
    target = submit(ASK_AND_WAIT, ["q"]).execution_id
    child = eventually(lambda: Execution.objects.filter(parent_id=target).values_list("pk", flat=True).first())
    eventually(lambda: journal.load_log(target)[-1].event.__class__.__name__ == "Unlocked")
    event = Event.objects.filter(execution_id=target).order_by("version")[2]
    known = event.payload
    Event.objects.filter(pk=event.pk).update(payload=UNKNOWN)

    answer(ExecutionId(child), {"ok": True})

    eventually(lambda: "another one may" in _last_payload(target))
    with pytest.raises(StoredEventInvalid):
        journal.load_log(target)
    other = submit(ADD, [1, 2]).execution_id
    eventually(lambda: journal.state_of(other).is_finished)
    assert not journal.state_of(target).is_finished

    Event.objects.filter(pk=event.pk).update(payload=known)

    eventually(lambda: journal.state_of(target).is_finished, within_s=60)
    assert _last_payload(target).startswith('{"finished"')


def _last_payload(target: ExecutionId) -> str:
    return Event.objects.filter(execution_id=target).order_by("-version")[0].payload
