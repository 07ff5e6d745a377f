from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from console.live.messages import Sub
from console.live.task_topics import InboxTopic, TaskTopic
from console.tasks.inbox import cursor_of
from console.tasks.shown import shown_tasks
from engine.log.ids import ExecutionId
from executions.instants import to_micros
from executions.models import Execution
from executions.operations.answering import answer
from executions.operations.assigning import assign
from executions.operations.inbox import NOBODY
from tests.builders import NOW
from tests.console.tasks.open_tasks import deploy_stub, open_task

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]


@pytest.fixture
def task(tmp_path: Path) -> ExecutionId:
    deploy_stub(tmp_path)
    return open_task()


def inbox_of(*tasks: str) -> tuple[InboxTopic, dict[str, int]]:
    """An inbox as its page shows it, loaded when the first tasks were there."""
    rows = list(Execution.objects.filter(pk__in=tasks))
    return InboxTopic(Sub(topic="tasks", keys=list(tasks))), cursor_of(shown_tasks(rows), newest=to_micros(NOW))


def test_nothing_is_sent_while_nothing_happens(task: ExecutionId) -> None:
    inbox, cursor = inbox_of(task)

    assert inbox.read(cursor, hidden=False) is None


def test_a_row_changes_where_it_stands_when_somebody_takes_the_task(task: ExecutionId) -> None:
    inbox, cursor = inbox_of(task)
    assign(task, User.objects.create_user("ann"), seen=NOBODY, actor="user:ann")

    update = inbox.read(cursor, hidden=False)

    assert update is not None
    assert [(row.into, row.key) for row in update.rows] == [("tasks", task)]
    assert "ann" in update.rows[0].html
    assert inbox.read(update.cursor, hidden=False) is None


def test_an_answered_task_stays_in_sight_and_says_so(task: ExecutionId) -> None:
    inbox, cursor = inbox_of(task)
    answer(task, {"err": "no"})

    update = inbox.read(cursor, hidden=False)

    assert update is not None
    assert "ob-task-done" in update.rows[0].html


def test_new_tasks_are_told_of_and_not_put_in(task: ExecutionId) -> None:
    inbox, cursor = inbox_of(task)
    cursor["newest"] -= 1
    open_task(2)

    update = inbox.read(cursor, hidden=False)

    assert update is not None
    assert update.rows == []
    assert "2 new tasks" in update.regions["new-tasks"]


def test_the_page_of_a_task_shows_its_answer_and_is_final(task: ExecutionId) -> None:
    topic = TaskTopic(Sub(topic="task", subject=task))
    first = topic.read({}, hidden=False)
    assert first is not None
    assert not first.final
    assert topic.read(first.cursor, hidden=False) is None
    answer(task, {"err": "too late"})

    update = topic.read(first.cursor, hidden=False)

    assert update is not None
    assert update.final
    assert "too late" in update.regions["task-state"]


def test_a_task_that_is_gone_is_final(task: ExecutionId) -> None:
    update = TaskTopic(Sub(topic="task", subject="E_00000000000000000000000077")).read({}, hidden=False)

    assert update is not None
    assert update.final


def test_what_names_no_task_is_refused() -> None:
    with pytest.raises(ValueError, match="is not an execution id"):
        TaskTopic(Sub(topic="task", subject="x"))
