"""What a workflow does to executions that are not its children: it schedules them, and it supplies stubs' results."""

from __future__ import annotations

import hashlib
from datetime import datetime

from msgspec.structs import replace

from engine.errors import ConstraintViolation
from engine.log import events as e
from engine.log.ids import DeploymentId, ExecutionId
from engine.log.return_values import JsonText, Returned
from engine.log.retval_json import retval_text
from engine.log.schedules import ScheduleAt, scheduled_instant
from engine.workflow.inheritance import inherited_metadata
from engine.workflow.made_up_values import MadeUpValues
from engine.workflow.port import RunPort
from engine.workflow.recorder import Recorder
from engine.workflow.target import Target, deployed_function
from engine.workflow.write_buffer import WriteBuffer


class OtherExecutions:
    """One run's dealings with executions that it does not wait for.

    Args:
        execution_id: The workflow.
        deployment_id: The deployment in whose name executions are created.
        recorder: Replays and records.
        buffer: Takes what is created.
        values: Knows the ids that this run generated, which nobody else can have taken.
        port: The outside.
        metadata: What the own creation carries along.
    """

    def __init__(
        self,
        execution_id: ExecutionId,
        deployment_id: DeploymentId,
        *,
        recorder: Recorder,
        buffer: WriteBuffer,
        values: MadeUpValues,
        port: RunPort,
        metadata: e.Metadata,
    ) -> None:
        self._execution_id = execution_id
        self._deployment_id = deployment_id
        self._recorder = recorder
        self._buffer = buffer
        self._values = values
        self._port = port
        self._metadata = metadata
        self._scheduled_ids: set[ExecutionId] = set()

    def schedule(self, execution_id: ExecutionId, schedule: ScheduleAt, target: Target) -> e.SubmitError | None:
        """Start a top-level execution without waiting for it.

        Raises:
            ConstraintViolation: If an execution of this id exists.
        """
        now = self._port.now()
        event = e.Scheduled(
            execution_id=execution_id,
            schedule_at=schedule,
            target_ffqn=target.ffqn,
            params_hash=hash_params(target.params),
            error=target.error,
        )
        event = self._recorder.as_recorded(
            event, (replace(event, params_hash=hash_params(params)) for params in target.older_params())
        )
        recorded = self._recorder.replay(event)
        if recorded is not None:
            assert isinstance(recorded, e.Scheduled)
            if recorded.error is None:
                self._scheduled_ids.add(execution_id)
            return recorded.error
        if event.error is None and (error := self._port.size_error(target)):
            event = replace(event, error=error)
        if event.error is None:
            self._create(execution_id, target, scheduled_at=instant_of(schedule, now), now=now)
        self._recorder.record(event, now)
        return event.error

    def _create(self, execution_id: ExecutionId, target: Target, *, scheduled_at: datetime, now: datetime) -> None:
        is_fresh = execution_id in self._values.generated_ids or not self._port.is_taken(execution_id)
        if execution_id in self._scheduled_ids or not is_fresh:
            raise ConstraintViolation(f"cannot schedule {execution_id}: an execution of this id exists")
        self._scheduled_ids.add(execution_id)
        component = deployed_function(target).component
        inherited = inherited_metadata(
            self._metadata, execution_id, runner=component.runner, random_bytes=self._port.random_bytes
        )
        created = e.Created(
            ffqn=target.ffqn,
            params=target.params,
            scheduled_at=scheduled_at,
            component_id=component.id,
            deployment_id=self._deployment_id,
            scheduled_by=self._execution_id,
            metadata=(*inherited, *target.metadata),
        )
        self._buffer.create(execution_id, created, now, target=target, child=None)

    def stub(self, target: ExecutionId, ffqn: str, retval: Returned, error: e.StubError | None) -> e.StubError | None:
        """Supply a stub execution's result.

        Args:
            target: The stub execution.
            ffqn: The stub function that it should have been created for.
            retval: Its return value.
            error: Why the value cannot be used, if that is known before the journal is asked.
        """
        digest = hashlib.sha256(retval_text(retval).encode()).hexdigest()
        event = e.Stubbed(target_execution_id=target, retval_hash=f"01{digest}", error=error)
        recorded = self._recorder.replay(event)
        if recorded is not None:
            assert isinstance(recorded, e.Stubbed)
            return recorded.error
        outcome = error or self._port.complete_stub(target, retval, ffqn)
        self._recorder.record(
            e.Stubbed(target_execution_id=target, retval_hash=event.retval_hash, error=outcome), self._port.now()
        )
        return outcome


def instant_of(schedule: ScheduleAt, now: datetime) -> datetime:
    """Return when a schedule falls due.

    Raises:
        ConstraintViolation: If that is out of range.
    """
    try:
        return scheduled_instant(schedule, now)
    except OverflowError as error:
        raise ConstraintViolation(f"the schedule {schedule} is out of range") from error


def hash_params(params: JsonText) -> str:
    """Return what an event keeps of a scheduled execution's parameters."""
    return hashlib.sha256(params.encode()).hexdigest()
