"""Signals that came before the call they are for: the next call of their function is complete at birth."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from engine.journal.records import Append, Mail, NewExecution
from engine.log.events import ChildFinished, Created, Finished, LogEntry, Response
from engine.log.ids import ExecutionId, Version, position_of

Call = tuple[ExecutionId, str]
"""An execution and the function that it calls."""


class Mailbox:
    """The mail that the calls in some writes may find.

    Args:
        waiting: Mail that no call has, oldest first.
        known: (execution, signal id) of signals that came before, among those that the writes bring.
    """

    def __init__(
        self, waiting: Mapping[Call, Sequence[Mail]] | None = None, known: Iterable[tuple[ExecutionId, str]] = ()
    ) -> None:
        self._waiting = {call: deque(mail) for call, mail in (waiting or {}).items()}
        self._known = set(known)

    @property
    def is_empty(self) -> bool:
        """Whether no mail waits."""
        return not self._waiting

    def is_known(self, mail: Mail) -> bool:
        """Whether a signal of this ``signal_id`` came before."""
        return mail.signal_id is not None and (mail.execution_id, mail.signal_id) in self._known

    def remember(self, mail: Mail) -> None:
        """Note that a signal came."""
        if mail.signal_id is not None:
            self._known.add((mail.execution_id, mail.signal_id))

    def deliver(self, write: Append) -> tuple[Append, list[int]]:
        """Return a write whose calls that mail waits for have their results, and the numbers of that mail."""
        # Behind what the run brings along; an await at the end is answered by it.
        at_version = write.expected + len(write.entries) - write.awaits
        created: list[NewExecution] = []
        responses: list[Response] = []
        delivered: list[int] = []
        for new in write.created:
            first = new.entries[0]
            position = position_of(new.execution_id) if len(new.entries) == 1 else None
            ffqn = first.event.ffqn if isinstance(first.event, Created) else ""
            waiting = self._waiting.get((write.execution_id, ffqn))
            if not waiting or position is None:
                created.append(new)
                continue
            mail = waiting.popleft()
            delivered.append(mail.row)
            end = LogEntry(Version(1), first.created_at, Finished(retval=mail.retval))
            created.append(NewExecution(new.execution_id, (first, end)))
            responses.append(
                Response(
                    execution_id=write.execution_id,
                    at_version=at_version,
                    join_set_id=position.join_set,
                    created_at=first.created_at,
                    event=ChildFinished(
                        child_execution_id=new.execution_id, finished_version=end.version, retval=mail.retval
                    ),
                )
            )
        if not delivered:
            return write, delivered
        return replace(write, created=tuple(created), responses=(*write.responses, *responses)), delivered
