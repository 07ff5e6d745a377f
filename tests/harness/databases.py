"""A pytest plugin: tests that run on SQLite and on PostgreSQL.

A module whose tests are to run on both says ``pytestmark = pytest.mark.usefixtures("either_database")``: the default
database is then another one while they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from executions.journal.notifications import switchboard
from obelisk_site.database import postgresql_database
from obelisk_site.process import Process
from tests.harness.postgresql import MISSING, PrivateServer, find_binaries

DATABASES = ("sqlite", "postgresql")


@contextmanager
def _default_database(entry: dict[str, Any]) -> Iterator[None]:
    """Have the default database be another one meanwhile, for all threads that open connections."""
    usual, usual_entry = connections["default"], connections.settings["default"]
    connections.settings["default"] = settings.DATABASES["default"] = entry
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = settings.DATABASES["default"] = usual_entry
        connections["default"] = usual


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PrivateServer]:
    """A server for this process's tests."""
    if find_binaries() is None:
        pytest.skip(MISSING)
    with PrivateServer() as server:
        yield server
        switchboard().stop()


@pytest.fixture(scope="session")
def postgresql_settings(
    postgresql_server: PrivateServer, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> dict[str, Any]:
    """Django's settings of a database that has all tables."""
    url = postgresql_server.create_database("test_obelisk")
    entry = postgresql_database(url, process=Process.COMMAND, pool_size=4)
    # What Django itself fills in.
    entry = dict(connections.configure_settings({"default": entry})["default"])
    with django_db_blocker.unblock(), _default_database(entry):
        call_command("migrate", verbosity=0, interactive=False)
    return entry


@pytest.fixture(scope="module", params=DATABASES)
def either_database(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[str]:
    """Run the tests of a module on each database; the value is its vendor."""
    if request.param == "sqlite":
        yield request.param
        return
    with _default_database(request.getfixturevalue("postgresql_settings")):
        yield request.param
