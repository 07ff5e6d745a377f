"""When a recorded event answers what a replaying workflow asks for.

Source:
    Obelisk reference, section 6.3; ours also compares the target of a ``schedule`` where it was recorded.
"""

from __future__ import annotations

from typing import assert_never

from engine.log import events as e


def answers(recorded: e.HistoryEvent, requested: e.HistoryEvent) -> bool:
    """Tell whether ``recorded`` is the record of ``requested``.

    Outcomes, instants and whatever else the host decided are not compared: they are taken from the record.
    """
    match requested:
        case e.JoinSetCreated() | e.Persist():
            return recorded == requested
        case e.ChildRequested():
            return _same_child(recorded, requested)
        case e.DelayRequested():
            return (
                isinstance(recorded, e.DelayRequested)
                and recorded.delay_id == requested.delay_id
                and recorded.schedule_at == requested.schedule_at
            )
        case e.JoinNext():
            return _same_await(recorded, requested)
        case e.JoinNextTry(join_set_id=join_set):
            return isinstance(recorded, e.JoinNextTry) and recorded.join_set_id == join_set
        case e.JoinNextTooMany():
            return recorded == requested
        case e.Scheduled():
            return _same_schedule(recorded, requested)
        case e.Stubbed():
            return (
                isinstance(recorded, e.Stubbed)
                and recorded.target_execution_id == requested.target_execution_id
                and recorded.retval_hash == requested.retval_hash
            )
        case _:
            assert_never(requested)


def _same_child(recorded: e.HistoryEvent, requested: e.ChildRequested) -> bool:
    # A refused request was recorded without its parameters.
    return (
        isinstance(recorded, e.ChildRequested)
        and recorded.child_execution_id == requested.child_execution_id
        and recorded.target_ffqn == requested.target_ffqn
        and (recorded.error is not None or recorded.params == requested.params)
    )


def _same_await(recorded: e.HistoryEvent, requested: e.JoinNext) -> bool:
    match recorded:
        case e.JoinNext():
            return (
                recorded.join_set_id == requested.join_set_id
                and recorded.closing == requested.closing
                and recorded.requested_ffqn == requested.requested_ffqn
            )
        case e.JoinNextTooMany():
            return (
                not requested.closing
                and recorded.join_set_id == requested.join_set_id
                and recorded.requested_ffqn == requested.requested_ffqn
            )
        case _:
            return False


def _same_schedule(recorded: e.HistoryEvent, requested: e.Scheduled) -> bool:
    if not isinstance(recorded, e.Scheduled):
        return False
    same_target = not recorded.target_ffqn or (recorded.target_ffqn, recorded.params_hash) == (
        requested.target_ffqn,
        requested.params_hash,
    )
    return (
        same_target
        and recorded.execution_id == requested.execution_id
        and recorded.schedule_at == requested.schedule_at
    )
