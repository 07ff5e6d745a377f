"""What holds of a site's database when everything has ended, whatever went wrong before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.log.events import Locked
from engine.log.ids import ExecutionId
from tests.chaos.effects import Effects
from tests.chaos.work import WORKFLOW, Job, result_problem
from tests.harness.site_database import SiteDatabase
from tests.harness.world import World

_EXECUTIONS = "executions_execution"
#: Rows that nobody would ever look for again.
_ORPHANS = {
    table: f"SELECT count(*) FROM {table} t LEFT JOIN {_EXECUTIONS} x USING (execution_id) WHERE x.execution_id IS NULL"
    for table in ("executions_event", "executions_joinsetresponse", "executions_delay")
}
_LEFT_OVER = {
    "unfinished executions": f"SELECT count(*) FROM {_EXECUTIONS} WHERE status <> 'finished'",
    "delays": "SELECT count(*) FROM executions_delay",
    "children that answered twice": (
        "SELECT count(*) FROM (SELECT 1 FROM executions_joinsetresponse WHERE child_execution_id IS NOT NULL "
        "GROUP BY child_execution_id HAVING count(*) > 1) twice"
    ),
    "children that never answered": (
        f"SELECT count(*) FROM {_EXECUTIONS} c LEFT JOIN executions_joinsetresponse r "
        "ON r.child_execution_id = c.execution_id WHERE c.parent_id IS NOT NULL AND r.child_execution_id IS NULL"
    ),
}
_COUNTED = (
    "SELECT coalesce(sum(count), 0) FROM executions_rollup WHERE length_s = 86400 AND ffqn = %s",
    f"SELECT count(*) FROM executions_event JOIN {_EXECUTIONS} USING (execution_id) "
    "WHERE id <= (SELECT event_id FROM executions_rollupcursor) "
    "AND variant IN ('finished', 'temporarily_failed', 'temporarily_timed_out') AND ffqn = %s",
)


def check_invariants(database: SiteDatabase, jobs: Mapping[ExecutionId, Job], effects: Effects) -> None:
    """Check a site at rest.

    Every log is dense, ends once and folds to its row; who waited was answered once; nothing is left over; each job
    heard of its effects once each; and each effect was had at least once, and at most as often as it was begun.

    Args:
        database: Of the site.
        jobs: What was submitted.
        effects: What was done.

    Raises:
        AssertionError: If something does not hold.
    """
    for what, question in {**{f"orphans in {table}": sql for table, sql in _ORPHANS.items()}, **_LEFT_OVER}.items():
        ((count,),) = database.query(question)
        assert count == 0, f"{count} {what}"
    with database.world() as world:
        for execution_id, job in jobs.items():
            world.check(execution_id)
            problem = result_problem(job, world.result_of(execution_id))
            assert problem is None, problem
            _check_effects(world, execution_id, job, effects)


def check_statistics(database: SiteDatabase) -> bool:
    """Whether what is counted of jobs is what the log holds up to the statistics' cursor, at this instant."""
    counted, held = (database.query(question, WORKFLOW)[0][0] for question in _COUNTED)
    return int(counted) == int(held)


def _check_effects(world: World, execution_id: ExecutionId, job: Job, effects: Effects) -> None:
    fetches = [child for child in world.children_of(execution_id) if world.state_of(child).ffqn.endswith(".fetch")]
    assert len(fetches) == len(job.effects)
    for child in fetches:
        result: Any = world.result_of(child)
        key = result["ok"]["body"]
        begun = sum(isinstance(event, Locked) for event in world.events_of(child))
        assert 1 <= effects.count(key) <= begun, f"{key} was had {effects.count(key)} times, and begun {begun} times"
