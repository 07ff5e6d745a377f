"""PostgreSQL that runs out of room under load: of its tables, which it reports, and of its log, of which it dies."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.acceptance.sites import unused_port
from tests.chaos.chaos_site import ChaosSite
from tests.chaos.crowded_server import CrowdedServer, Disk
from tests.chaos.recovery import Death
from tests.chaos.small_disk import IMPOSSIBLE
from tests.harness.eventually import PATIENCE_S, eventually
from tests.harness.postgresql import MISSING, find_binaries
from tests.harness.topology import Web

#: Starting a site takes its time on a busy machine.
pytestmark = pytest.mark.timeout(300)

FULL_S = 4.0
"""Longer than locks last: all have expired when there is room again."""
_MANY = 20

_STARTING = "LOG:  starting PostgreSQL"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosSite]:
    """A site on a server whose disks can be filled."""
    if find_binaries() is None:
        pytest.skip(MISSING)
    with CrowdedServer(port=unused_port()) as server:
        if not server.is_crowded:
            pytest.skip(IMPOSSIBLE)
        with ChaosSite(tmp_path_factory.mktemp("chaos"), server=server) as site:
            yield site


@pytest.fixture
def web(site: ChaosSite) -> Iterator[Web]:
    """A web process beside the executors."""
    web = site.topology.add_web()
    yield web
    web.kill()


def server_of(site: ChaosSite) -> CrowdedServer:
    assert isinstance(site.server, CrowdedServer)
    return site.server


def executors_of(site: ChaosSite) -> list[set[str]]:
    """Return who is on the list; only django-q2's own processes may have been replaced since the last look."""
    return [site.topology.executor_ids(node) for node in site.topology.executors]


def check_recovery(site: ChaosSite, disk: Disk, end: Death) -> None:
    """Check that nothing was lost or done twice, and that all went on soon behind an outage."""
    site.wait_for_rest()
    site.check()
    recovered = site.recoveries(end)
    assert recovered, "nothing was under way"
    worst = max(recovered).total_seconds()
    sys.stdout.write(f"\nno room for {disk.name.lower()}: {len(recovered)} executions went on within {worst:.2f} s\n")


def why_nothing_is_committed(site: ChaosSite) -> list[str]:
    """Return what executors' logs say of looks that could not be taken."""
    lines = [line for node in site.topology.executors for line in site.topology.diary_of(node)]
    return [line["error"] for line in lines if line["event"] == "executor.journal_unavailable"]


def health_of(web: Web) -> tuple[int, str]:
    """Return how the site is, as its web process says."""
    try:
        with urllib.request.urlopen(f"{web.origin}/healthz", timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)["status"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["status"]


def test_executors_wait_for_room_for_tables_and_say_what_they_lack(
    site: ChaosSite, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, before = server_of(site), executors_of(site)
    with site.being_submitted_to():
        with monkeypatch.context() as patched:
            # Some are under way all the time: tables may have room within for the ends of what is over soon, and then
            # none for beginning anything else.
            patched.setattr(site.effects, "takes_s", 2 * FULL_S)
            # There is no room for further jobs either, so that executors need some for these.
            site.submit(_MANY, effects=1)
            server.hold_full(Disk.TABLES, seconds=FULL_S)
        assert eventually(lambda: any("No space left on device" in why for why in why_nothing_is_committed(site)))
        assert eventually(lambda: health_of(web) == (503, "no executor can work"))
        end = Death(None, server.make_room(Disk.TABLES))
    check_recovery(site, Disk.TABLES, end)

    assert executors_of(site) == before
    assert eventually(lambda: health_of(web) == (200, "ok"))


def test_executors_wait_for_a_server_that_died_of_its_full_log_and_cannot_come_up(site: ChaosSite, web: Web) -> None:
    server, before, starts = server_of(site), executors_of(site), server_of(site).log.count(_STARTING)
    with site.being_submitted_to():
        eventually(lambda: site.effects.total >= 3)
        server.hold_full(Disk.LOG, seconds=FULL_S)
        while server.log.count(_STARTING) == starts:
            # It is still about to die; when it is started again it wants room again.
            server.hold_full(Disk.LOG, seconds=0)
        assert eventually(lambda: health_of(web) == (503, "database does not answer"))
        end = Death(None, server.make_room(Disk.LOG))
    check_recovery(site, Disk.LOG, end)

    assert "PANIC:  could not write to file" in server.log
    assert server.log.count(_STARTING) >= starts + 2, "no start failed"
    assert executors_of(site) == before
    assert eventually(lambda: health_of(web) == (200, "ok"))
