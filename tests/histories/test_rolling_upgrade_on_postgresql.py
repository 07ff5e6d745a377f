"""An old executor goes on while the new version migrates its PostgreSQL database, and beside a new executor then."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from engine.log.events import Locked
from engine.log.ids import ExecutionId, ExecutorId
from tests.acceptance.sites import REPOSITORY
from tests.builders import make_execution_id
from tests.harness import steps as s
from tests.harness.components import RUN
from tests.harness.eventually import eventually
from tests.harness.postgresql import PrivateServer
from tests.harness.topology import Topology
from tests.histories.databases.old_version import OldVersion
from tests.histories.test_rolling_upgrade import NEWEST, SOURCE, SUBMIT

pytestmark = pytest.mark.timeout(600)

WITHIN_S = 240.0
#: Of words that every version knows.
DEPLOYMENT = """
[[activity_wasm]]
name = "probe"
location = "probe.wasm"

[[workflow_wasm]]
name = "stepper"
location = "stepper.wasm"
"""
NAPS = 30
#: Some ten seconds of commits, wake-ups and replays.
_STEPS = (
    s.create(),
    s.submit(0, "work", 20_000_000),
    *[s.sleep(s.after_ms(300)), s.typed_call(1, 2)] * NAPS,
    s.join_next(0),
)


@pytest.fixture
def site(postgresql_server: PrivateServer, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Topology]:
    """A site of the present version, on an empty database."""
    with django_db_blocker.unblock(), Topology(tmp_path, server=postgresql_server) as site:
        yield site


@pytest.fixture
def old(site: Topology, tmp_path: Path) -> OldVersion:
    """The old version, on the same database, which is as that one needs it."""
    with tarfile.open(SOURCE) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    old = OldVersion(tmp_path / "old", tmp_path / "old-data", settings={"OBELISK_DATABASE_URL": site.database_url("")})
    old.manage("migrate", "-v0")
    for name in ("probe", "stepper"):
        shutil.copy(REPOSITORY / "tests" / "components" / name / f"{name}.wasm", tmp_path)
    deployment = tmp_path / "deployment.toml"
    deployment.write_text(DEPLOYMENT)
    old.manage("deploy", str(deployment))
    return old


def test_work_goes_on_while_the_database_is_migrated_and_versions_share_it_then(
    site: Topology, old: OldVersion
) -> None:
    first, by_old, by_new = ([make_execution_id(base + n) for n in range(10)] for base in (100, 200, 300))
    everything = [*first, *by_old, *by_new]
    with old.executor():
        old.submit_calls(calls_of(first))
        eventually(lambda: len(runners_of(site, first)) == len(first), within_s=WITHIN_S)
        began_at = datetime.now(UTC)
        site.manage("migrate", "-v0")
        ended_at = datetime.now(UTC)
        site.add_executor()
        old.submit_calls(calls_of(by_old))
        site.manage("shell", "-v0", "-c", SUBMIT.format(calls=calls_of(by_new)))
        eventually(lambda: all(len(all_runners_of(site, ids)) == 2 for ids in (by_old, by_new)), within_s=WITHIN_S)
    # The old executor was killed with all that it held.
    eventually(lambda: statuses_of(site, everything) == {"finished"}, within_s=WITHIN_S)

    with site.world() as world:
        world.check(*everything)
        results = [world.result_of(each) for each in everything]
        written_at = [entry.created_at for each in first for entry in world.log_of(each)]
    meanwhile = sum(began_at < at < ended_at for at in written_at)
    sys.stdout.write(f"\n{meanwhile} events were written by {NEWEST} while its database was migrated\n")
    assert meanwhile
    assert [result["ok"].count("ok 3") for result in results] == [NAPS] * len(everything)


def calls_of(ids: list[ExecutionId]) -> list[tuple[str, str, str]]:
    """Return calls of the same workflow, one for each id."""
    return [(str(each), RUN, json.dumps(s.params_of(_STEPS))) for each in ids]


def runners_of(site: Topology, ids: list[ExecutionId]) -> dict[ExecutionId, set[ExecutorId]]:
    """Return the executors that held each of these so far, without those that nobody held."""
    with site.world() as world:
        found = {
            each: {event.executor_id for event in world.events_of(each) if isinstance(event, Locked)} for each in ids
        }
    return {each: runners for each, runners in found.items() if runners}


def all_runners_of(site: Topology, ids: list[ExecutionId]) -> set[ExecutorId]:
    """Return the executors that held any of these."""
    return set().union(*runners_of(site, ids).values())


def statuses_of(site: Topology, ids: list[ExecutionId]) -> set[str]:
    """Return the states that executions are in."""
    rows = site.query("SELECT DISTINCT status FROM executions_execution WHERE execution_id = ANY(%s)", list(ids))
    return {status for (status,) in rows}
