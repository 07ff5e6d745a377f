"""What an execution waits for that does not move any more, in one sentence."""

from __future__ import annotations

from collections.abc import Callable

from engine.journal.protocol import Journal
from engine.journal.requirements import source_of
from engine.log.events import ChildRequested, DelayRequested
from engine.log.ids import DelayId, ExecutionId
from engine.log.state import ExecutionState, Status

Describe = Callable[[str], str]
"""Given the full name of a function, what sentences call it, such as ``the stub approve``."""


def waits_for(journal: Journal, target: ExecutionId, describe: Describe) -> str:
    """Return what an execution waits for that is not finished, and what to do about it."""
    state = journal.state_of(target)
    things = awaited_things(journal, state, describe)
    sentence = f"{describe(state.ffqn).rpartition(' ')[2]} waits for {' or '.join(things)}"
    stub = next((thing for thing in things if thing.rpartition(" which waits for ")[2].startswith("the stub ")), None)
    if stub is None:
        return sentence
    return f"{sentence}; answer it with run.answer({stub.rpartition(' ')[2]}, ...)"


def awaited_things(journal: Journal, state: ExecutionState, describe: Describe) -> list[str]:
    """Return what an execution waits for, each as sentences call it; at least one."""
    things: list[str] = []
    for entry in journal.load_log(state.execution_id):
        event = entry.event
        if not isinstance(event, ChildRequested | DelayRequested) or event.join_set_id != state.join_set_id:
            continue
        if isinstance(event, DelayRequested):
            if not _has_fired(journal, state.execution_id, event.delay_id):
                things.append(f"the clock to reach {event.expires_at:%Y-%m-%d %H:%M:%S}")
        elif event.error is None and not (child := journal.state_of(event.child_execution_id)).is_finished:
            things.append(_described(journal, child, describe))
    return list(dict.fromkeys(things)) or ["what never comes"]


def _described(journal: Journal, child: ExecutionState, describe: Describe) -> str:
    thing = describe(child.ffqn)
    if child.status is not Status.BLOCKED_BY_JOIN_SET:
        return thing
    return f"{thing}, which waits for {' or '.join(awaited_things(journal, child, describe))}"


def _has_fired(journal: Journal, execution_id: ExecutionId, delay: DelayId) -> bool:
    return any(source_of(response) == delay for response in journal.load_responses(execution_id))
