"""Hosts in networks of their own share one PostgreSQL; one is cut off, stopped or killed while it works."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from engine.log.ids import ExecutionId
from tests.acceptance.fleet.fleets import CHAIN, EFFECT, Fleet
from tests.harness.eventually import PATIENCE_S, eventually
from tests.harness.networks import skip_without_networks
from tests.harness.postgresql import MISSING, find_binaries

# The first one starts three hosts.
pytestmark = pytest.mark.timeout(600)

EXECUTIONS = 300


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    skip_without_networks()
    if find_binaries() is None:
        pytest.skip(MISSING)
    with Fleet(tmp_path_factory.mktemp("fleet")) as hosts:
        yield hosts


@pytest.fixture
def fleet(hosts: Fleet) -> Fleet:
    hosts.recover()
    hosts.traces.of.clear()
    return hosts


def start_working(fleet: Fleet) -> list[ExecutionId]:
    """Give the hosts more than they can do at a time; returns when each is in the middle of some of it."""
    everybody = {each for executor in fleet.executors for each in fleet.topology.executor_ids(executor)}
    fleet.traces.may_answer.clear()
    calls = [(CHAIN, [f"chain-{number}", 8]) for number in range(12)]
    calls += [(EFFECT, [f"effect-{number}"]) for number in range(60)]
    submitted = fleet.submit(*calls)
    holders = "SELECT DISTINCT executor_id FROM executions_execution WHERE status = 'locked'"
    eventually(lambda: {executor_id for (executor_id,) in fleet.topology.query(holders)} >= everybody)
    return submitted


def assert_takes_new_work(fleet: Fleet, host: int) -> None:
    """It may take a moment to find out that the world went on; what others do meanwhile is done."""
    fleet.traces.takes_s = 0.05

    def try_once() -> bool:
        names = [f"new-{len(fleet.traces.of) + number}" for number in range(40)]
        submitted = fleet.submit(*[(EFFECT, [name]) for name in names])
        fleet.wait_until_finished(submitted)
        fleet.check(submitted)
        return fleet.begun_by(submitted)[host] > 0

    eventually(try_once, within_s=4 * PATIENCE_S)


def versions(fleet: Fleet) -> dict[str, int]:
    """Return how many events each execution has."""
    return dict(fleet.topology.query("SELECT execution_id, next_version FROM executions_execution"))


@pytest.mark.parametrize("strategy", ["by_ffqns", "by_component_digest"])
def test_idle_hosts_share_what_there_is_to_do(fleet: Fleet, strategy: str) -> None:
    fleet.deploy(strategy)
    fleet.traces.takes_s = 0.02
    submitted = fleet.submit(*[(EFFECT, [f"{strategy}-{number}"]) for number in range(EXECUTIONS)])
    fleet.wait_until_finished(submitted)

    shares = fleet.begun_by(submitted)
    sys.stdout.write(f"\n{strategy}: {', '.join(str(shares[host]) for host in range(3))} of {EXECUTIONS}\n")
    assert shares.total() == EXECUTIONS
    assert min(shares[host] for host in range(3)) >= EXECUTIONS / 3 / 5, shares
    fleet.check(submitted)


def test_a_host_that_is_cut_off_loses_its_work_to_the_others_and_takes_new_work_later(fleet: Fleet) -> None:
    submitted = start_working(fleet)
    fleet.network.cut("host1")
    fleet.traces.may_answer.set()
    fleet.wait_until_finished(submitted)
    fleet.check(submitted)

    fleet.network.mend("host1")
    assert_takes_new_work(fleet, 0)
    fleet.check(submitted)


def test_a_host_that_stood_still_for_longer_than_its_locks_notices_and_takes_new_work(fleet: Fleet) -> None:
    submitted = start_working(fleet)
    fleet.executors[0].freeze()
    fleet.traces.may_answer.set()
    # Three seconds of an attempt at an effect, and again.
    fleet.wait_until_finished(submitted)
    before = versions(fleet)

    fleet.executors[0].thaw()
    assert_takes_new_work(fleet, 0)

    # It wrote nothing of what others had taken over.
    assert versions(fleet).items() >= before.items()
    fleet.check(submitted)


def test_what_a_killed_host_held_is_finished_by_the_others(fleet: Fleet) -> None:
    submitted = start_working(fleet)
    fleet.executors[0].kill()
    fleet.traces.may_answer.set()
    fleet.wait_until_finished(submitted)

    fleet.check(submitted)


def test_a_database_that_is_restarted_under_load_costs_nothing_but_time(fleet: Fleet) -> None:
    submitted = start_working(fleet)
    assert fleet.server.cut_connections() > 0
    fleet.traces.may_answer.set()
    fleet.wait_until_finished(submitted[:10])

    fleet.server.stop()
    fleet.network.at("hub", fleet.server.start)
    fleet.wait_until_finished(submitted)

    fleet.check(submitted)
