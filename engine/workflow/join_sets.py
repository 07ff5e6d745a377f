"""Join sets of a running workflow: who is in them, what came back, what was consumed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from engine.log.events import ChildFinished, Response
from engine.log.ids import DelayId, ExecutionId, JoinSetId

MemberId = ExecutionId | DelayId


@dataclass(slots=True)
class JoinSet:
    """One join set.

    Args:
        id: Its id.
        open: Members whose response was not consumed yet, in submission order.
        private: Those of them that nobody else can see, because their request was not committed yet.
        arrived: Responses that were not consumed yet, in order of arrival. While history is replayed this includes
            responses of members that are yet to be requested again; arrival order puts them behind.
        children: Child requests so far, failed ones included.
        delays: Delay requests so far.
        last: Member whose response was consumed last.
        is_closed: Whether nothing may be submitted or awaited any more.
    """

    id: JoinSetId
    open: dict[MemberId, None] = field(default_factory=dict)
    private: set[MemberId] = field(default_factory=set)
    arrived: deque[Response] = field(default_factory=deque)
    children: int = 0
    delays: int = 0
    last: MemberId | None = None
    is_closed: bool = False

    @property
    def is_private(self) -> bool:
        """Whether nobody else could bring a response."""
        return len(self.private) == len(self.open)

    def consume(self) -> Response:
        """Take the first response in order of arrival."""
        response = self.arrived.popleft()
        member = member_of(response)
        self.open.pop(member, None)
        self.private.discard(member)
        self.last = member
        return response


def member_of(response: Response) -> MemberId:
    """Return the child or delay that a response belongs to."""
    event = response.event
    return event.child_execution_id if isinstance(event, ChildFinished) else event.delay_id
