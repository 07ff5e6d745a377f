"""Members of join sets: children and delays that a run requests.

Source:
    Obelisk reference, sections 3.3 and 6.2.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from engine.log import events as e
from engine.log.ids import DelayId, DeploymentId, ExecutionId, child_id, delay_id
from engine.log.return_values import JsonText
from engine.log.schedules import ScheduleAt
from engine.workflow.inheritance import inherited_metadata
from engine.workflow.join_sets import JoinSet, JoinSets
from engine.workflow.others import instant_of
from engine.workflow.port import RunPort
from engine.workflow.recorder import Recorder
from engine.workflow.target import Target, deployed_function
from engine.workflow.write_buffer import WriteBuffer

_NO_PARAMS = JsonText("[]")


class Submissions:
    """Submits members to the join sets of one run.

    Args:
        execution_id: The execution.
        deployment_id: The deployment in whose name children are created.
        recorder: The run's history, and what it adds.
        buffer: What is to be committed.
        join_sets: The run's.
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
        join_sets: JoinSets,
        port: RunPort,
        metadata: e.Metadata,
    ) -> None:
        self._execution_id = execution_id
        self._deployment_id = deployment_id
        self._recorder = recorder
        self._buffer = buffer
        self._join_sets = join_sets
        self._port = port
        self._metadata = metadata
        self._targets: dict[ExecutionId, str] = {}

    def child(self, join_set: JoinSet, target: Target, now: datetime) -> ExecutionId | e.SubmitError:
        """Request a child, and return its id or why there is none; a request that cannot be met is recorded as such."""
        join_set.children += 1
        child = child_id(self._execution_id, join_set.id, join_set.children)
        event = e.ChildRequested(
            join_set_id=join_set.id,
            child_execution_id=child,
            target_ffqn=target.ffqn,
            params=target.params,
            error=target.error,
        )
        recorded: e.HistoryEvent | None = None
        if self._recorder.is_replaying:
            older = (replace(event, params=params) for params in target.older_params())
            recorded = self._recorder.replay(self._recorder.as_recorded(event, older))
        if recorded is None:
            event = self._request(target, event, now)
        else:
            assert isinstance(recorded, e.ChildRequested)
            event = recorded
        if event.error is not None:
            return event.error
        self._targets[child] = target.ffqn
        self._join_sets.join(join_set, child, is_private=recorded is None)
        return child

    def delay(self, join_set: JoinSet, schedule: ScheduleAt, now: datetime) -> tuple[DelayId, datetime]:
        """Request a durable timer, and return its id and when it expires, as first computed."""
        join_set.delays += 1
        delay = delay_id(self._execution_id, join_set.id, join_set.delays)
        event = e.DelayRequested(
            join_set_id=join_set.id,
            delay_id=delay,
            expires_at=instant_of(schedule, now),
            schedule_at=schedule,
        )
        recorded = self._recorder.replay(event)
        self._join_sets.join(join_set, delay, is_private=recorded is None)
        if recorded is not None:
            assert isinstance(recorded, e.DelayRequested)
            return delay, recorded.expires_at
        self._recorder.record(event, now)
        # Where others can bring responses too, the journal must say who came first: the timers fire it there.
        if event.expires_at <= now and join_set.is_private:
            self.deliver(
                e.Response(
                    execution_id=self._execution_id,
                    at_version=self._buffer.next_version,
                    join_set_id=join_set.id,
                    created_at=now,
                    event=e.DelayFinished(delay_id=delay),
                )
            )
        return delay, event.expires_at

    def target_of(self, child: ExecutionId) -> str | None:
        """Return the function that a child was requested for, or ``None`` if this run requested no such child."""
        return self._targets.get(child)

    def deliver(self, response: e.Response) -> None:
        """Take in the response of a member that nobody else can see; it is committed with the buffer."""
        self._buffer.responses.append(response)
        self._join_sets.arrive(response)

    def _request(self, target: Target, event: e.ChildRequested, now: datetime) -> e.ChildRequested:
        if error := event.error or self._port.size_error(target):
            # Parameters that fit no function are nobody's; they do not burden the log.
            event = replace(event, params=_NO_PARAMS, error=error)
            self._recorder.record(event, now)
            return event
        component, child = deployed_function(target).component, event.child_execution_id
        inherited = inherited_metadata(
            self._metadata, child, runner=component.runner, random_bytes=self._port.random_bytes
        )
        created = e.Created(
            ffqn=target.ffqn,
            params=target.params,
            parent=(self._execution_id, event.join_set_id),
            scheduled_at=now,
            component_id=component.id,
            deployment_id=self._deployment_id,
            metadata=(*inherited, *target.metadata),
        )
        self._buffer.create(child, created, now, target=target, child=event)
        self._recorder.record(event, now)
        return event
