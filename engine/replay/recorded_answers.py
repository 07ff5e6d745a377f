"""Answers for a fork that is tried without effects: what the same calls came to in the old execution."""

from __future__ import annotations

from engine.log.events import ChildFinished, ChildRequested, DelayFinished, DelayRequested, Response
from engine.log.ids import DelayId, ExecutionId, JoinSetId
from engine.replay.capturing_run import CapturingRun
from engine.replay.forking import Translation
from engine.replay.subject import Subject
from engine.workflow.join_sets import MemberId, member_of


class RecordedAnswers:
    """Brings the recorded responses of members that were requested again in the same way.

    Args:
        subject: The old execution.
        translation: From its ids to the fork's.
    """

    def __init__(self, subject: Subject, translation: Translation) -> None:
        self._translation = translation
        self._requests: dict[str, ChildRequested | DelayRequested] = {}
        for entry in subject.entries:
            match entry.event:
                case ChildRequested(child_execution_id=member) | DelayRequested(delay_id=member):
                    self._requests[translation.text(member)] = entry.event
                case _:
                    pass
        self._responses = [self._translated(response) for response in subject.responses]

    def __call__(self, run: CapturingRun, join_set: JoinSetId) -> Response | None:
        """Return the first recorded response of an open member of a join set, in the order of arrival then."""
        members = set(run.run.join_sets.open_members(join_set))
        for response in self._responses:
            member = member_of(response)
            if member in members and self._is_same(run, member):
                return response
        return None

    def _is_same(self, run: CapturingRun, member: MemberId) -> bool:
        request = self._requests[member]
        if isinstance(request, DelayRequested):
            return True
        created = run.created_of(ExecutionId(member))
        return (
            created is not None
            and created.ffqn == request.target_ffqn
            and created.params == self._translation.text(request.params)
        )

    def _translated(self, response: Response) -> Response:
        text = self._translation.text
        event = response.event
        return Response(
            execution_id=ExecutionId(text(response.execution_id)),
            join_set_id=response.join_set_id,
            created_at=response.created_at,
            event=ChildFinished(
                child_execution_id=ExecutionId(text(event.child_execution_id)),
                finished_version=event.finished_version,
                retval=self._translation.retval(event.retval),
            )
            if isinstance(event, ChildFinished)
            else DelayFinished(delay_id=DelayId(text(event.delay_id)), cancelled=event.cancelled),
        )
