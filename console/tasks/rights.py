"""Who may answer a task, and who may say who does."""

from __future__ import annotations

from typing import Any

from console.access import may
from executions.access.scopes import Scope
from executions.operations.inbox import Assignee, groups_of


def may_answer(user: Any, assignee: Assignee) -> bool:
    """Tell whether somebody may answer a task: operators any, others what was given to them or to a group of theirs."""
    if may(user, Scope.OPERATE):
        return True
    return may(user, Scope.READ) and _is_given(user, assignee)


def may_take(user: Any, assignee: Assignee) -> bool:
    """Tell whether somebody may make a task their own: not if it is already, or is another person's."""
    is_own = assignee.user == user.get_username()
    return not is_own and may_answer(user, assignee)


def may_release(user: Any, assignee: Assignee) -> bool:
    """Tell whether somebody may give a task back to its group."""
    return assignee.user is not None and may_answer(user, assignee)


def may_assign(user: Any) -> bool:
    """Tell whether somebody may give tasks to others."""
    return may(user, Scope.OPERATE)


def _is_given(user: Any, assignee: Assignee) -> bool:
    if assignee.user is not None:
        return bool(assignee.user == user.get_username())
    return assignee.group is not None and assignee.group in groups_of(user)
