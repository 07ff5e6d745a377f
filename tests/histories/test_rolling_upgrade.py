"""An old executor goes on beside a new one, on a database that the new version has migrated."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.log.ids import ExecutionId
from tests.acceptance.sites import Site
from tests.builders import make_execution_id
from tests.harness import steps as s
from tests.harness.components import RUN
from tests.harness.eventually import eventually
from tests.histories.databases.loading import load
from tests.histories.databases.old_version import OldVersion

pytestmark = [pytest.mark.timeout(600), pytest.mark.django_db]  # they look into sites' databases

FOLDER = Path(__file__).parent
(SOURCE,) = (FOLDER / "versions").glob("*.tar.xz")
NEWEST = SOURCE.name.removesuffix(".tar.xz")
"""The version that upgrades start from; its database is among those that are kept."""

# What has a default in the database is written by nobody who does not know of it.
_COLUMNS = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)'
_STEPS = (s.create(), s.submit(0, "work", 20_000_000), s.sleep(s.after_ms(30)), s.join_next(0), s.typed_call(1, 2))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site with the newest of the old databases."""
    site = Site(tmp_path, {"OBELISK_API_RATE": "0", "OBELISK_APPS": ""})
    load(FOLDER / "databases" / f"{NEWEST}.sql.gz", site.data_dir / "db.sqlite3")
    yield site
    site.kill()


def columns_of(site: Site) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Return the columns of every table by name: type, whether NULL is refused, default, place in the key."""
    with contextlib.closing(sqlite3.connect(site.data_dir / "db.sqlite3")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: {name: rest for name, *rest in connection.execute(_COLUMNS, [table])} for table in tables}


def unique_indexes_of(site: Site) -> set[str]:
    """Return what no two rows may have alike, as SQL."""
    with contextlib.closing(sqlite3.connect(site.data_dir / "db.sqlite3")) as connection:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql LIKE 'CREATE UNIQUE INDEX%'")
        return {sql for (sql,) in found}


def test_migrations_leave_old_executors_what_they_read_and_ask_nothing_of_what_they_write(site: Site) -> None:
    old, old_unique = columns_of(site), unique_indexes_of(site)

    site.check("migrate", "-v0")

    new = columns_of(site)
    assert old.keys() <= new.keys()
    for table, columns in old.items():
        for name, (kind, _refuses_null, _default, key) in columns.items():
            assert (new[table][name][0], new[table][name][3]) == (kind, key), f"{table}.{name} is another column now"
        for name, (_kind, refuses_null, default, _key) in new[table].items():
            if name not in columns or (refuses_null and not columns[name][1]):
                assert not refuses_null or default is not None, f"{table}.{name} needs a db_default, or null=True"
    tables = {f'ON "{table}"' for table in old}
    added = {sql for sql in unique_indexes_of(site) - old_unique if any(table in sql for table in tables)}
    assert not added, "old executors would break what they do not know of"


def test_an_old_and_a_new_executor_share_the_work(site: Site, tmp_path: Path) -> None:
    site.check("migrate", "-v0")
    with tarfile.open(SOURCE) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    old = OldVersion(tmp_path / "old", site.data_dir)
    params = json.dumps(s.params_of(_STEPS))
    by_old, by_new = ([make_execution_id(first + n) for n in range(20)] for first in (100, 200))

    with old.executor():
        eventually(lambda: len(site.heartbeats()) == 1, within_s=60)
        site.start_executor()
        old.submit_calls([(each, RUN, params) for each in by_old])
        calls = [(str(each), RUN, params) for each in by_new]
        site.python(SUBMIT.format(calls=calls))
        for execution_id in (*by_old, *by_new):
            site.wait_until_finished(execution_id)

    assert ends_of(site, by_old + by_new) == {"ok"}
    assert len(runners_of(site, by_old)) == 2
    assert len(runners_of(site, by_new)) == 2


SUBMIT = """
import json
from executions.operations.submitting import submit
for execution_id, ffqn, params in {calls!r}:
    submit(ffqn, json.loads(params), execution_id=execution_id)
print(1)
"""


def ends_of(site: Site, ids: list[ExecutionId]) -> set[str]:
    """Return the kinds of end that executions came to."""
    marks = ", ".join(["%s"] * len(ids))
    return {
        kind
        for (kind,) in site.query(f"SELECT result_kind FROM executions_execution WHERE execution_id IN ({marks})", *ids)
    }


def runners_of(site: Site, ids: list[ExecutionId]) -> set[str]:
    """Return the executors that held any of these."""
    with site.world() as world:
        events = [event for execution_id in ids for event in world.events_of(execution_id)]
    return {event.executor_id for event in events if hasattr(event, "executor_id")}
