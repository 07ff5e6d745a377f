from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone
from django_q.models import Schedule

from engine.deployment.spec import ComponentType, LogLevel
from engine.executor.cron_seeds import next_seed
from engine.journal.records import LogLine as LogLineRecord
from engine.log import events as e
from engine.log.ids import ExecutionId, RunId, child_id
from executions.journal.journal import SqlJournal
from executions.models import Batch, BatchEntry, Delay, Event, Execution, HttpExchange, JoinSetResponse, LogLine
from executions.retention import pruning
from executions.retention.pruning import Pruned, prune
from executions.retention.rules import parse_rules
from executions.tasks import PRUNING, keep_schedules, prune_finished
from tests.builders import (
    FFQN,
    JOIN_SET,
    NOW,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_component_id,
    make_created,
    make_execution_id,
    make_finished,
    make_http_exchange,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

DAY = timedelta(days=1)
EVERYTHING = "* any 1d"
NIGHTLY = make_component_id("nightly", component_type=ComponentType.CRON)


@pytest.fixture
def journal() -> SqlJournal:
    return SqlJournal.for_current_connection()


def add_tree(
    journal: SqlJournal, number: int, *, children: int = 2, at: datetime = NOW, ends: tuple[str, ...] = ("all",)
) -> ExecutionId:
    """A workflow with children, of which ``ends`` says what has ended: ``children``, ``all`` or nothing."""
    root = make_execution_id(number)
    created = make_created(scheduled_at=at)
    commit(
        journal, make_submit(root, created, make_locked(until=at + DAY), e.JoinSetCreated(join_set_id=JOIN_SET), at=at)
    )
    if children:
        requests = [make_child_request(root, index) for index in range(1, children + 1)]
        born = [make_child(root, index, at=at) for index in range(1, children + 1)]
        commit(journal, make_append(root, *requests, expected=3, created=born, at=at))
    if ends:
        for index in range(1, children + 1):
            commit(journal, make_child_end(root, index, at=at))
    if ends == ("all",):
        commit(journal, make_append(root, make_finished(), expected=3 + children, at=at))
    return root


def add_records(journal: SqlJournal, execution_id: ExecutionId) -> None:
    journal.add_http_exchanges([make_http_exchange(execution_id)])
    journal.add_log_lines(
        [
            LogLineRecord(
                execution_id=execution_id, run_id=RunId("Run_1"), created_at=NOW, level=LogLevel.INFO, message="x"
            )
        ]
    )


def run(text: str = EVERYTHING, *, now: datetime = NOW + 2 * DAY, **options: Any) -> Pruned:
    return prune(parse_rules(text), now, pause=lambda seconds: None, **options)


def counts() -> dict[str, int]:
    models = (Execution, Event, JoinSetResponse, Delay, LogLine, HttpExchange)
    return {model.__name__: model._default_manager.count() for model in models}


def test_a_finished_tree_goes_with_all_its_rows(journal: SqlJournal) -> None:
    root = add_tree(journal, 1)
    add_records(journal, root)
    add_records(journal, child_id(root, JOIN_SET, 1))
    kept = add_tree(journal, 2, at=NOW + 1.5 * DAY)
    add_records(journal, kept)

    pruned = run()

    assert (pruned.executions, dict(pruned.trees), pruned.is_complete) == (3, {FFQN: 1}, True)
    assert set(Execution.objects.top_level().values_list("execution_id", flat=True)) == {kept}
    assert counts() == {
        "Execution": 3,
        "Event": Event.objects.filter(execution__execution_id__startswith=kept).count(),
        "JoinSetResponse": 2,
        "Delay": 0,
        "LogLine": 1,
        "HttpExchange": 1,
    }


def test_nothing_goes_below_a_root_that_goes_on(journal: SqlJournal) -> None:
    add_tree(journal, 1, ends=("children",))
    before = counts()

    assert run().executions == 0
    assert counts() == before


def test_a_root_stays_while_anything_below_goes_on(journal: SqlJournal) -> None:
    root = add_tree(journal, 1, ends=())
    commit(journal, make_append(root, make_finished(), expected=5))
    before = counts()

    assert run().executions == 0
    assert counts() == before


def test_an_execution_whose_id_begins_alike_is_another_one(journal: SqlJournal) -> None:
    first, second = add_tree(journal, 1), add_tree(journal, 11, at=NOW + 1.5 * DAY)

    run()

    assert not Execution.objects.filter(execution_id__startswith=first).exists()
    assert Execution.objects.filter(execution_id__startswith=second).count() == 3


def test_the_time_since_the_end_counts(journal: SqlJournal) -> None:
    root = add_tree(journal, 1, ends=("children",))
    commit(journal, make_append(root, make_finished(), expected=5, at=NOW + 1.5 * DAY))

    assert run().executions == 0
    assert run(now=NOW + 3 * DAY).executions == 3


def test_rules_choose_by_function_and_outcome(journal: SqlJournal) -> None:
    add_tree(journal, 1)

    assert run("other:* any 1d").executions == 0
    assert run("* error 1d").executions == 0
    assert run(f"{FFQN} ok keep, * any 1d").executions == 0
    assert run("test:* ok 1d").executions == 3


def test_a_dry_run_tells_and_deletes_nothing(journal: SqlJournal) -> None:
    add_tree(journal, 1)
    before = counts()

    pruned = run(dry_run=True)

    assert (pruned.executions, dict(pruned.trees)) == (3, {FFQN: 1})
    assert counts() == before


def test_a_large_tree_goes_in_batches_and_what_is_left_goes_next_time(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tree(journal, 1, children=25)
    monkeypatch.setattr(pruning, "BATCH", 10)
    monkeypatch.setattr(pruning, "_PAGE", 4)
    sizes: list[int] = []

    def interrupted(_seconds: float) -> None:
        sizes.append(Execution.objects.count())
        if len(sizes) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(parse_rules(EVERYTHING), NOW + 2 * DAY, pause=interrupted)

    assert sizes == [16, 6]
    assert Execution.objects.top_level().count() == 1  # it is what the rest is found by
    assert run().executions == 6
    assert counts() == dict.fromkeys(counts(), 0)


def test_many_trees_are_found_page_by_page(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_PAGE", 3)
    for number in range(1, 11):
        add_tree(journal, number, children=0)

    assert run().executions == 10
    assert counts()["Execution"] == 0


def test_when_the_time_is_over_the_rest_is_left(journal: SqlJournal) -> None:
    add_tree(journal, 1)

    pruned = run(time_limit=timedelta(seconds=-1))

    assert (pruned.executions, pruned.is_complete) == (0, False)


def test_the_seed_of_a_schedule_stays(journal: SqlJournal) -> None:
    add_seeds(journal, NOW)

    assert run().executions == 0


def add_seeds(journal: SqlJournal, *created_at: datetime) -> list[ExecutionId]:
    """Seeds of one schedule that followed one another."""
    chain = [make_execution_id(1)]
    for at in created_at:
        created = make_created(component_id=NIGHTLY, scheduled_at=at)
        commit(journal, make_submit(chain[-1], created, make_finished(), at=at))
        chain.append(next_seed(chain[-1]))
    return chain[:-1]


def test_a_seed_that_handed_over_goes_like_any_execution_and_the_last_one_stays(journal: SqlJournal) -> None:
    *_, last = add_seeds(journal, *(NOW - DAY * days for days in (3, 2, 1)))

    assert run("* any keep").executions == 0
    assert run().executions == 2
    assert [row.execution_id for row in Execution.objects.all()] == [last]


def test_no_seed_goes_while_the_last_one_seems_older_than_others(journal: SqlJournal) -> None:
    seeds = add_seeds(journal, NOW - DAY, NOW - 3 * DAY, NOW - 2 * DAY)

    assert run().executions == 0

    commit(journal, make_submit(next_seed(seeds[-1]), make_created(component_id=NIGHTLY), make_finished(), at=NOW))
    assert run().executions == 3


def test_every_table_with_rows_of_an_execution_is_known() -> None:
    # Whoever adds a table that names executions in another way has to say what becomes of its rows.
    names = {
        (model.__name__, field.column)
        for model in apps.get_app_config("executions").get_models()
        for field in model._meta.fields
        if "execution" in (field.column or "")
    }

    assert {name for name in names if name[1] != "execution_id"} == {("JoinSetResponse", "child_execution_id")}


def test_the_report_of_a_batch_stays_whole_when_what_it_is_about_goes(journal: SqlJournal) -> None:
    execution_id = add_tree(journal, 1)
    at = timezone.now()
    batch = Batch.objects.create(
        key="k", operation="cancel", wanted={}, actor="user:ann", started_at=at, seen_at=at, cursor_at=at, total=1
    )
    BatchEntry.objects.create(batch=batch, execution_id=execution_id, is_done=True)

    run()

    assert counts()["Execution"] == 0
    assert BatchEntry.objects.get().execution_id == execution_id


def test_the_task_and_its_schedule_follow_the_settings(journal: SqlJournal) -> None:
    add_tree(journal, 1, at=timezone.now() - 2 * DAY)
    with override_settings(OBELISK_RETENTION=parse_rules(EVERYTHING)):
        keep_schedules()
        keep_schedules()
        schedule = Schedule.objects.get(name=PRUNING)
        assert (schedule.func, schedule.minutes) == ("executions.tasks.prune_finished", 10)

        prune_finished()

    assert counts()["Execution"] == 0
    with override_settings(OBELISK_RETENTION=()):
        keep_schedules()
    assert not Schedule.objects.filter(name=PRUNING).exists()


def test_the_command_tells_what_it_does(journal: SqlJournal) -> None:
    add_tree(journal, 1, at=timezone.now() - 2 * DAY)

    def command(*arguments: str) -> str:
        out = StringIO()
        call_command("prune", *arguments, stdout=out)
        return out.getvalue()

    assert command() == "Everything is kept: OBELISK_RETENTION has no rule.\n"
    assert command("--rules", EVERYTHING, "--dry-run") == (
        f"       1  {FFQN}\n3 executions would be deleted, those below others included.\n"
    )
    assert command("--rules", EVERYTHING).endswith("3 executions were deleted, those below others included.\n")
    with pytest.raises(CommandError, match=r"^--rules: 'x' is no rule; "):
        command("--rules", "x")
