"""Human tasks: open calls of stubs and external activities, which somebody outside has to answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q

from components.stub_words import StubWords, stub_words
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentType
from executions.deployed import deployed_registry
from executions.models import Execution, ExecutionQuerySet, TaskAssignment
from executions.operations.outside import answered_outside

NO_WORDS: Final = StubWords()


class Whose(StrEnum):
    """Which tasks."""

    MINE = "mine"
    """Given to the person."""
    GROUPS = "groups"
    """Given to, or by their functions meant for, a group of the person's."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Assignee:
    """Who is to answer a task; both are ``None`` if nobody in particular is.

    Args:
        user: Name of a person.
        group: Name of a group.
    """

    user: str | None = None
    group: str | None = None

    def __str__(self) -> str:
        """Return it as records and addresses have it: ``user:NAME``, ``group:NAME`` or nothing."""
        if self.user is not None:
            return f"user:{self.user}"
        return "" if self.group is None else f"group:{self.group}"

    @property
    def text(self) -> str:
        """Who it is, for people."""
        return self.user or self.group or "nobody yet"


NOBODY: Final = Assignee()


def words_of_stubs(registry: Registry | None = None) -> Mapping[str, StubWords]:
    """Return what the deployed stubs say to people, by the full names of their functions."""
    deployment_id = (registry or deployed_registry()).deployment.id
    return stub_words(deployment_id) if deployment_id else {}


def open_tasks(now: datetime) -> ExecutionQuerySet:
    """Return all tasks that wait for their answer, in no order; not those that are scheduled for later."""
    external = answered_outside()
    rows = Execution.objects.open_stubs()
    if external:
        # Nothing but the name tells an external activity from others, so all that is unfinished is looked through.
        is_task = Q(component_type=ComponentType.ACTIVITY_STUB.value) | Q(ffqn__in=external)
        rows = Execution.objects.unfinished().filter(is_task)
    return rows.filter(due_at__lte=now)


def tasks_of(whose: Whose, user: Any, now: datetime) -> ExecutionQuerySet:
    """Return somebody's tasks, in no order."""
    tasks = open_tasks(now)
    given = TaskAssignment.objects.filter(execution_id=OuterRef("pk"))
    match whose:
        case Whose.MINE:
            return tasks.filter(Exists(given.filter(user=user)))
        case Whose.GROUPS:
            groups = dict(user.groups.values_list("name", "pk"))
            meant = [ffqn for ffqn, words in words_of_stubs().items() if words.group in groups]
            return tasks.filter(Exists(given.filter(group__in=groups.values())) | (Q(ffqn__in=meant) & ~Exists(given)))
        case Whose.ALL:
            return tasks


def assignees_of(rows: Iterable[Execution]) -> dict[str, Assignee]:
    """Return who is to answer some tasks, by their ids."""
    tasks = list(rows)
    words = words_of_stubs()
    found = {row.pk: Assignee(group=words.get(row.ffqn, NO_WORDS).group) for row in tasks}
    given = TaskAssignment.objects.filter(pk__in=list(found)).select_related("user", "group")
    for assignment in given:
        found[assignment.pk] = _assignee(assignment)
    return found


def _assignee(assignment: TaskAssignment) -> Assignee:
    if assignment.user is not None:
        return Assignee(user=assignment.user.get_username())
    assert assignment.group is not None  # a constraint of the table
    return Assignee(group=assignment.group.name)


def groups_of(user: Any) -> set[str]:
    """Return the names of somebody's groups."""
    return set(Group.objects.filter(user=user).values_list("name", flat=True))
