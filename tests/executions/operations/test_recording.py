from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from django.db import IntegrityError

from engine.log.ids import ExecutionId
from executions.journal.deleting import delete_executions
from executions.models import Execution, OperationRecord
from executions.operations.pausing import pause
from executions.operations.recording import Operation, RecordingJournal, command_actor
from executions.operations.submitting import submit
from tests.executions.deployments import ADD, deploy_declared

pytestmark = pytest.mark.django_db


@pytest.fixture
def execution_id(tmp_path: Path) -> ExecutionId:
    deploy_declared(tmp_path)
    return submit(ADD, [1, []]).execution_id


def pausing(execution_id: ExecutionId, *, actor: str) -> RecordingJournal:
    return RecordingJournal(execution_id, Operation.PAUSE, actor=actor)


def test_what_cannot_be_recorded_is_not_done(execution_id: ExecutionId) -> None:
    nobody = cast(Any, None)

    with pytest.raises(IntegrityError):
        pause(execution_id, journal=pausing(execution_id, actor=nobody))

    assert Execution.objects.get().lifecycle == "active"
    assert not OperationRecord.objects.exists()


def test_records_are_deleted_with_their_execution(execution_id: ExecutionId) -> None:
    pause(execution_id, journal=pausing(execution_id, actor="user:ann"))
    other = submit(ADD, [2, []]).execution_id
    pause(other, journal=pausing(other, actor="user:ann"))

    delete_executions([execution_id])

    assert OperationRecord.objects.get().execution_id == other


def test_a_command_is_signed_by_who_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")

    assert command_actor() == "command:ann"
