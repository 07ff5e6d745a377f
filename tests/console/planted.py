"""Executions with one text wherever guests, clients and people can bring text in."""

from __future__ import annotations

import json
from typing import Final

from engine.deployment.spec import ComponentType
from engine.log import events as e
from engine.log.ids import child_id
from engine.log.labels import label_metadata
from engine.log.return_values import Failed, FailureKind, JsonText, Returned, TypedValue
from executions.journal.journal import SqlJournal
from executions.models import HttpExchange, LogLine, OperationRecord
from tests.builders import (
    JOIN_SET,
    NOW,
    after,
    make_append,
    make_child,
    make_child_request,
    make_child_response,
    make_component_id,
    make_created,
    make_execution,
    make_execution_id,
    make_holder,
    make_locked,
    make_submit,
)
from tests.console.tasks.open_tasks import STUB
from tests.engine.journal.commits import commit

FAILED: Final = make_execution_id(1)
RETRYING: Final = make_execution_id(2)
ASKING: Final = make_execution_id(3)
TASK: Final = child_id(ASKING, JOIN_SET, 1)

_LATER: Final = after(10**9)


def plant(worked_on: str, *, said: str = "") -> None:
    """Store an execution that failed with its child, one that waits to be tried again, and one that asks a person.

    Args:
        worked_on: What guests and clients bring in: parameters, results, errors, log lines, URLs.
        said: What people write for all to read: labels, reasons, their names.
    """
    journal = SqlJournal.for_current_connection()
    value = JsonText(json.dumps({"deep": [worked_on]}))
    error = e.Finished(retval=Returned(ok=False, payload=TypedValue("string", value)))
    failing = e.TemporarilyFailed(backoff_expires_at=_LATER, reason=worked_on, detail=worked_on)
    labels = label_metadata({"team": said}) if said else ()
    created = make_created(params=f"[{value}]", metadata=labels)
    crash = e.Finished(retval=Failed(kind=FailureKind.UNCATEGORIZED, reason=worked_on, detail=worked_on))
    request = make_child_request(FAILED, params=f"[{value}]")
    commit(journal, make_submit(FAILED, created))
    commit(
        journal,
        make_append(
            FAILED,
            request,
            expected=1,
            created=[make_child(FAILED, 1, crash)],
            responses=[make_child_response(FAILED, 1, retval=crash.retval)],
        ),
        make_append(FAILED, error, expected=2),
    )
    commit(journal, make_submit(RETRYING, created, make_locked(make_holder()), failing))
    stub = make_component_id("refunds", component_type=ComponentType.ACTIVITY_STUB)
    asked = make_created(ffqn=STUB, params=f"[{value}, 1]", component_id=stub, parent=(ASKING, JOIN_SET))
    request = make_child_request(ASKING, params=f"[{value}]")
    commit(journal, make_submit(ASKING, make_created()))
    commit(journal, make_append(ASKING, request, expected=1, created=[make_execution(TASK, asked)]))
    for execution_id in (FAILED, RETRYING):
        _remember(execution_id, worked_on, said)


def _remember(execution_id: str, worked_on: str, said: str) -> None:
    about = {"execution_id": execution_id, "run_id": "Run_1"}
    LogLine.objects.create(**about, created_at=NOW, level="info", message=worked_on)
    HttpExchange.objects.create(
        **about,
        started_at=NOW,
        duration_us=5,
        method="GET",
        url=f"https://psp.test/{worked_on}?q={worked_on}",
        error=worked_on,
        request_bytes=0,
        response_bytes=0,
    )
    OperationRecord.objects.create(
        execution_id=execution_id, operation="pause", detail=said, actor=f"user:{said}", reason=said, at=NOW
    )
