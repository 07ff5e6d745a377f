from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest
from pytest_django import DjangoDbBlocker

from tests.acceptance.sites import unused_port
from tests.chaos.chaos_site import SURVIVING_ITS_DEATH, ChaosSite
from tests.harness.databases import DATABASES
from tests.harness.postgresql import MISSING, PrivateServer, find_binaries


@pytest.fixture(scope="package", autouse=True)
def unblocked(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Sites have databases of their own."""
    with django_db_blocker.unblock():
        yield


@contextmanager
def site_on(database: str, folder: Path, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[ChaosSite]:
    """Have a site on a server, or on a disk, of its own."""
    with ExitStack() as stack:
        server = None
        if database == "postgresql":
            if find_binaries() is None:
                pytest.skip(MISSING)
            server = stack.enter_context(PrivateServer(SURVIVING_ITS_DEATH, port=unused_port()))
        yield stack.enter_context(ChaosSite(folder, server=server, settings=settings))


@pytest.fixture(scope="package")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosSite]:
    """A site on a server of its own."""
    with site_on("postgresql", tmp_path_factory.mktemp("chaos")) as site:
        yield site


@pytest.fixture(scope="package")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosSite]:
    """A site on a disk of its own."""
    with site_on("sqlite", tmp_path_factory.mktemp("chaos")) as site:
        yield site


@pytest.fixture(params=DATABASES)
def site(request: pytest.FixtureRequest) -> ChaosSite:
    """Either; each test leaves it at rest, and as it was."""
    site: ChaosSite = request.getfixturevalue(f"on_{request.param}")
    return site
