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
                and recorded.join_set_id == requested.join_set_id
                and recorded.delay_id == requested.delay_id
                and recorded.schedule_at == requested.schedule_at
            )
        case e.JoinNext():
            return (
                isinstance(recorded, e.JoinNext)
                and recorded.join_set_id == requested.join_set_id
                and recorded.closing == requested.closing
                and recorded.requested_ffqn == requested.requested_ffqn
            )
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
                and (_is_unusable(recorded.error) or recorded.retval_hash == requested.retval_hash)
            )
        case _:
            assert_never(requested)


def _same_child(recorded: e.HistoryEvent, requested: e.ChildRequested) -> bool:
    # A refused request was recorded without its parameters.
    return (
        isinstance(recorded, e.ChildRequested)
        and recorded.join_set_id == requested.join_set_id
        and recorded.child_execution_id == requested.child_execution_id
        and recorded.target_ffqn == requested.target_ffqn
        and (recorded.error is not None or recorded.params == requested.params)
    )


def _same_schedule(recorded: e.HistoryEvent, requested: e.Scheduled) -> bool:
    if not isinstance(recorded, e.Scheduled):
        return False
    is_same_function = not recorded.target_ffqn or recorded.target_ffqn == requested.target_ffqn
    # How parameters that fit no function are spelled depends on what is deployed.
    has_same_params = (
        not recorded.params_hash or recorded.error is not None or recorded.params_hash == requested.params_hash
    )
    return (
        is_same_function
        and has_same_params
        and recorded.execution_id == requested.execution_id
        and recorded.schedule_at == requested.schedule_at
    )


def _is_unusable(error: e.StubError | None) -> bool:
    """Whether a stub's value was refused before it could be read as the function's result, which the hash is over."""
    return isinstance(error, e.StubNotFound | e.TypeCheckError)
