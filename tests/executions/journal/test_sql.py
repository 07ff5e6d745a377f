from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection, models

from engine.deployment.spec import LockingStrategy
from engine.journal.records import Lockable
from executions.journal import at_once, sql
from executions.journal.dialect import dialect_of
from executions.models import Delay, Event, Execution, JoinSetResponse, LogLine
from tests.builders import make_component_id, make_lockable

TABLES = [
    (sql.EXECUTION_TABLE, Execution),
    (sql.EVENT_TABLE, Event),
    (sql.RESPONSE_TABLE, JoinSetResponse),
    (sql.DELAY_TABLE, Delay),
    (sql.LOG_LINE_TABLE, LogLine),
]


def plan(statement: str, params: Sequence[Any]) -> str:
    """How SQLite carries out a statement, a step a line."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", params)
        return "\n".join(row[3] for row in cursor.fetchall())


def pending(*choices: Lockable, after: tuple[int, str] | None = None) -> str:
    return plan(
        *sql.pending(
            choices,
            due_at=1,
            after=after,
            limit=5,
            hint=dialect_of(connection).indexed_by(sql.PENDING_INDEX),
        )
    )


def listed(template: str) -> tuple[str, Sequence[str]]:
    ((statement, params),) = sql.listed(template, ["a", "b", "c"])
    return statement, params


@pytest.mark.parametrize(("table", "model"), TABLES, ids=lambda value: getattr(value, "name", ""))
def test_an_insert_fills_every_column_but_the_generated_id(table: sql.Table, model: type[models.Model]) -> None:
    columns = {field.column for field in model._meta.concrete_fields}

    assert table.name == model._meta.db_table
    assert set(table.columns) == columns - {"id"}


@pytest.mark.django_db
class TestPlans:
    """Each hot statement reads what its index finds, and nothing else."""

    @pytest.mark.parametrize("strategy", LockingStrategy)
    def test_due_executions_are_found_in_order(self, strategy: LockingStrategy) -> None:
        found = pending(make_lockable(strategy=strategy, ffqns=("a", "b", "c")))

        assert found == "SEARCH executions_execution USING INDEX execution_pending (due_at<?)"

    def test_a_step_finds_its_state_by_its_id(self) -> None:
        found = plan(at_once.UPDATE_STEPS.format(steps="%s"), ["[]"])

        assert "SEARCH executions_execution USING INDEX sqlite_autoindex_executions_execution_1" in found
        assert "SCAN executions_execution" not in found

    def test_due_executions_of_many_components_are_found_in_one_pass(self) -> None:
        choices = [make_lockable(component_id=make_component_id(version=version)) for version in "abc"]

        found = pending(*choices, make_lockable(strategy=LockingStrategy.AUTO), after=(1, "E_1"))

        assert "USING INDEX execution_pending" in found
        assert "TEMP B-TREE" not in found
        assert len(found.splitlines()) == 1

    @pytest.mark.parametrize(
        ("statement", "params", "index"),
        [
            (*listed(sql.STATES), "sqlite_autoindex_executions_execution_1 (execution_id=?)"),
            (sql.STATE, ("a",), "sqlite_autoindex_executions_execution_1 (execution_id=?)"),
            (*listed(sql.FIRST_EVENTS), "sqlite_autoindex_executions_event_1 (execution_id=? AND version=?)"),
            (*listed(sql.DELAYS), "sqlite_autoindex_executions_delay_1 (delay_id=?)"),
            (*listed(sql.DELETE_DELAYS), "sqlite_autoindex_executions_delay_1 (delay_id=?)"),
            (
                sql.IS_ANSWERED,
                ("a", 1, "b"),
                "sqlite_autoindex_executions_joinsetresponse_1 (execution_id=? AND cursor>?)",
            ),
            (*listed(sql.RESPONDED_CHILDREN), "response_child_unique (child_execution_id=?)"),
            (*listed(sql.RESPONDED_DELAYS), "response_delay_unique (delay_id=?)"),
            (sql.LOG, ("a", 0), "sqlite_autoindex_executions_event_1 (execution_id=? AND version>?)"),
            (sql.DUE_DELAYS, (1, 1), "delay_due (expires_at<?)"),
            (sql.EXPIRED_LOCKS, (1, 1), "execution_locked (due_at<?)"),
            (sql.NEWEST_CALL, ("a", "b"), "execution_function (ffqn=?)"),
        ],
    )
    def test_a_search_by_index_is_all_there_is(self, statement: str, params: Sequence[Any], index: str) -> None:
        (step,) = plan(statement, params).splitlines()

        assert step.startswith("SEARCH")
        assert index in step

    def test_log_lines_are_counted_from_their_index_alone(self) -> None:
        found = plan(sql.COUNT_LOG_LINES, ("a", 1))

        assert "SEARCH executions_logline USING COVERING INDEX log_line_of_execution (execution_id=?)" in found

    def test_many_states_are_changed_by_one_search_each(self) -> None:
        ((statement, params, _),) = sql.update(("status", "due_at"), [[1] * 5] * 8)

        steps = plan(statement, params).splitlines()

        assert (
            "SEARCH executions_execution USING INDEX sqlite_autoindex_executions_execution_1 (execution_id=?)" in steps
        )
        assert not [step for step in steps if step.startswith("SCAN executions_execution")]

    def test_a_changed_state_is_found_by_its_key(self) -> None:
        ((statement, params, _),) = sql.update(("status", "due_at"), [[1] * 5])

        assert plan(statement, params).endswith("sqlite_autoindex_executions_execution_1 (execution_id=?)")

    def test_the_cancelled_are_scanned_in_an_index_of_their_own(self) -> None:
        assert plan(sql.CANCELLING, (1,)) == "SCAN executions_execution USING INDEX execution_cancelling"

    def test_responses_are_joined_with_the_childrens_ends_by_two_searches(self) -> None:
        responses, events = plan(sql.RESPONSES, ("a", 0)).splitlines()

        assert "SEARCH r USING INDEX sqlite_autoindex_executions_joinsetresponse_1" in responses
        assert "SEARCH e USING INDEX sqlite_autoindex_executions_event_1 (execution_id=? AND version=?)" in events

    def test_the_outlook_looks_at_the_first_entries_of_four_indexes(self) -> None:
        steps = plan(sql.OUTLOOK, (1,) * 6).splitlines()

        assert sorted(step.partition("INDEX ")[2] for step in steps if "INDEX" in step) == [
            "delay_due (expires_at<?)",
            "delay_due (expires_at>?)",
            "execution_cancelling",
            "execution_locked (due_at<?)",
            "execution_locked (due_at>?)",
            "execution_pending (due_at<?)",
            "execution_pending (due_at>?)",
        ]
        assert not [step for step in steps if "TEMP B-TREE" in step]


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 31, 48, 300, 512, 1300])
def test_an_insert_of_any_size_brings_every_row_once_and_in_order(count: int) -> None:
    table = sql.Table("t", ("a", "b"))
    rows = [(number, str(number)) for number in range(count)]

    batches = list(sql.insert(table, rows))

    values = [value for _, params in batches for value in params]
    assert values == [value for row in rows for value in row]
    for statement, params in batches:
        assert statement.count("%s") == len(params)
    # Large ones, and then each smaller size once.
    assert len(batches) <= count // 128 + 4


@pytest.mark.parametrize("count", [0, 1, 3, 4, 16, 20, 35, 600])
def test_an_update_of_any_size_changes_every_row_once(count: int) -> None:
    columns = ("status", "max_retries", "closing")
    width = len(columns) + 3
    rows = [[f"{number}"] * width for number in range(count)]

    batches = list(sql.update(columns, rows))

    assert [value for _, params, _ in batches for value in params] == [value for row in rows for value in row]
    assert sum(found for _, _, found in batches) == count
    for statement, params, found in batches:
        assert statement.count("%s") == len(params) == found * width


@pytest.mark.parametrize("count", [1, 2, 3, 5, 512, 513])
def test_a_list_of_ids_is_filled_up_with_its_last(count: int) -> None:
    ids = [f"E_{number}" for number in range(count)]

    parts = list(sql.listed("x IN ({ids})", ids))

    asked: list[str] = []
    for statement, params in parts:
        assert statement.count("%s") == len(params)
        assert len(params).bit_count() == 1
        asked += list(dict.fromkeys(params))
    assert asked == ids
