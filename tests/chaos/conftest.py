from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.chaos.chaos_site import ChaosSite
from tests.harness.databases import DATABASES
from tests.harness.postgresql import MISSING, PrivateServer, find_binaries

# The machine goes on when the server is killed, so nothing has to reach the disk.
_KILLED_NOT_CUT_OFF = {"fsync": "off", "full_page_writes": "off"}


@pytest.fixture(scope="session", autouse=True)
def unblocked(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Sites have databases of their own."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PrivateServer]:
    """A server whose commits survive its death."""
    if find_binaries() is None:
        pytest.skip(MISSING)
    with PrivateServer(_KILLED_NOT_CUT_OFF) as server:
        yield server


@pytest.fixture(scope="module", params=DATABASES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosSite]:
    """A site with two executors, for the tests of a module: each leaves it at rest."""
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    with ChaosSite(tmp_path_factory.mktemp("chaos"), server=server) as site:
        for _ in range(2):
            site.topology.add_executor()
        yield site
