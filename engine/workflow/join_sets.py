"""Join sets of a running workflow: who is in them, what came back, what was consumed."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from msgspec import Struct, field

from engine.errors import ConstraintViolation
from engine.log.events import ChildFinished, Response
from engine.log.ids import DelayId, ExecutionId, JoinSetId

MemberId = ExecutionId | DelayId


class JoinSet(Struct):
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
    open: dict[MemberId, None] = {}
    private: set[MemberId] = set()
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


class JoinSets:
    """All join sets of a run that are not closed, and the responses that arrived for them.

    Attributes:
        loaded_cursor: Up to which response this run knows what the journal holds.
    """

    def __init__(self) -> None:
        self.loaded_cursor = 0
        self._sets: dict[JoinSetId, JoinSet] = {}
        self._early: dict[JoinSetId, list[Response]] = {}
        self._private_sets: list[JoinSet] = []
        self._known: set[MemberId] = set()
        self._processed: dict[MemberId, Response] = {}

    # Sets and members.

    @property
    def ids(self) -> list[JoinSetId]:
        """The join sets, oldest first."""
        return list(self._sets)

    def add(self, join_set_id: JoinSetId) -> JoinSet:
        """Add a join set, with what arrived for it already."""
        added = self._sets[join_set_id] = JoinSet(join_set_id)
        added.arrived.extend(self._early.pop(join_set_id, ()))
        return added

    def open(self, join_set_id: JoinSetId) -> JoinSet:
        """Return a join set that may be used.

        Raises:
            ConstraintViolation: If it is closed.
        """
        join_set = self._sets.get(join_set_id)
        if join_set is None or join_set.is_closed:
            raise ConstraintViolation(f"join set {join_set_id} is closed")
        return join_set

    def drop(self, join_set: JoinSet) -> None:
        """Forget a join set that is closed."""
        del self._sets[join_set.id]

    def join(self, join_set: JoinSet, member: MemberId, *, is_private: bool) -> None:
        """Add a member whose request is recorded, ``is_private`` while it is not committed."""
        join_set.open[member] = None
        if is_private:
            if not join_set.private:
                self._private_sets.append(join_set)
            join_set.private.add(member)

    def publish(self, *, but: Collection[MemberId] = ()) -> None:
        """Hear that the buffer is being committed: from now on others see its members.

        Args:
            but: Those whose requests stay in the buffer.
        """
        for join_set in self._private_sets:
            join_set.private.intersection_update(but)
        self._private_sets = [join_set for join_set in self._private_sets if join_set.private]

    # Responses.

    def deliver(self, responses: Iterable[Response]) -> None:
        """Take in responses from the journal, in order; those already known are passed over."""
        for response in responses:
            self.loaded_cursor = max(self.loaded_cursor, response.cursor)
            self.arrive(response)

    def arrive(self, response: Response) -> None:
        """Take in one response, unless it is known."""
        member = member_of(response)
        if member in self._known:
            return
        self._known.add(member)
        join_set = self._sets.get(response.join_set_id)
        if join_set is not None:
            join_set.arrived.append(response)
        else:
            # Replay has not come to the join set yet.
            self._early.setdefault(response.join_set_id, []).append(response)

    def committed(self, *, responses_before: int, response_count: int) -> bool:
        """Hear how many responses the journal holds after a commit.

        Returns:
            Whether there are responses that this run has not loaded.
        """
        if responses_before <= self.loaded_cursor:
            self.loaded_cursor = max(self.loaded_cursor, response_count)
            return False
        return True

    def consume(self, join_set: JoinSet) -> Response:
        """Take the first response of a join set, in order of arrival."""
        response = join_set.consume()
        self._processed[member_of(response)] = response
        return response

    def processed(self, member: MemberId) -> Response | None:
        """Return a response that was consumed already."""
        return self._processed.get(member)

    # Questions.

    def is_answered(self, join_set: JoinSetId) -> bool:
        """Whether a response of this join set waits to be consumed."""
        return bool(self._sets[join_set].arrived)

    def is_unanswered(self, member: MemberId) -> bool:
        """Whether no response of this member arrived."""
        return member not in self._known

    def open_members(self, join_set: JoinSetId) -> list[MemberId]:
        """Return the members of a join set whose response did not arrive, in submission order."""
        members = self._sets[join_set]
        arrived = {member_of(response) for response in members.arrived}
        return [member for member in members.open if member not in arrived]

    def is_private(self, join_set: JoinSetId) -> bool:
        """Whether nobody else can bring a response to this join set: all its open members are uncommitted."""
        return self._sets[join_set].is_private

    def has_one_member(self, join_set: JoinSetId) -> bool:
        """Whether a join set waits for one member only."""
        return len(self._sets[join_set].open) == 1

    def has_delays(self, join_set: JoinSetId) -> bool:
        """Whether a delay was ever submitted to a join set."""
        return self._sets[join_set].delays > 0
