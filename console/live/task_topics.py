"""Human tasks: the inbox, whose rows change in place while new tasks are only told of; and the page of one."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import timezone

from console.live.messages import Row, Sub
from console.live.rows_topic import RowsTopic
from console.live.topics import Cursor, Update, Waker
from console.tasks.inbox import COUNTED, cursor_of
from console.tasks.shown import answer_of, shown_tasks
from engine.errors import IdSyntaxError
from engine.log.ids import parse_execution_id
from executions.instants import from_micros, to_micros
from executions.models import Execution
from executions.operations.inbox import open_tasks
from executions.watching import CommitWatch


class InboxTopic(RowsTopic):
    """The tasks that a page shows, by their ids."""

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        now = timezone.now()
        found = Execution.objects.in_bulk(self.keys)
        tasks = shown_tasks([found[pk] for pk in self.keys if pk in found])
        newest = min(cursor.get("newest", to_micros(now)), to_micros(now))
        new = open_tasks(now).filter(created_at__gt=from_micros(newest))[: COUNTED + 1].count()
        at = {**cursor_of(tasks, newest=newest), "new": new}
        if at == {"new": 0, **cursor}:
            return None
        rows = [
            Row(
                into="tasks",
                key=task.row.pk,
                html=render_to_string("console/tasks/row.html", {"task": task, "now": now}),
            )
            for task in tasks
            if cursor.get(task.row.pk) != task.fingerprint
        ]
        told = render_to_string("console/tasks/new.html", {"count": new, "most": COUNTED})
        return Update(cursor=at, rows=[] if hidden else rows, regions={"new-tasks": told})


class TaskTopic:
    """One task: who is to answer it, and its answer.

    Args:
        sub: The subscription; its subject is the id.

    Raises:
        ValueError: If it names no execution.
    """

    interval_s = 0.25
    remembers = False

    def __init__(self, sub: Sub) -> None:
        try:
            self._id = parse_execution_id(sub.subject)
        except IdSyntaxError as error:
            raise ValueError(str(error)) from error

    def waker(self) -> Waker:
        """See `Topic`. Who is to answer it is no event of the execution."""
        return CommitWatch()

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`."""
        row = Execution.objects.filter(pk=self._id).first()
        if row is None:
            gone = render_to_string("console/executions/gone.html", {"execution_id": self._id})
            return Update(cursor=cursor, regions={"task-state": gone}, final=True)
        (task,) = shown_tasks([row])
        at = {"task": task.fingerprint}
        if at == dict(cursor):
            return None
        context = {"task": task, "row": row, "answer": answer_of(row), "now": timezone.now()}
        state = render_to_string("console/tasks/state.html", context)
        return Update(cursor=at, regions={"task-state": state}, final=not task.is_open)
