"""A pytest plugin: tests that run on SQLite and on PostgreSQL.

A module whose tests are to run on both says ``pytestmark = pytest.mark.usefixtures("either_database")``: the default
database is then another one while they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.local import Local
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker

from executions.journal.notifications import switchboard
from obelisk_site.database import postgresql_database
from obelisk_site.process import Process
from tests.harness.postgresql import MISSING, PrivateServer, find_binaries

DATABASES = ("sqlite", "postgresql")


@contextmanager
def default_database(entry: dict[str, Any]) -> Iterator[None]:
    """Have the default database be another one meanwhile, for all threads, those that keep connections too."""
    handler: Any = connections  # its storage has no public name
    usual, usual_entry, create = handler._connections, handler.settings["default"], handler.create_connection
    made: list[BaseDatabaseWrapper] = []

    def create_and_note(alias: str) -> BaseDatabaseWrapper:
        wrapper: BaseDatabaseWrapper = create(alias)
        wrapper.inc_thread_sharing()
        made.append(wrapper)
        return wrapper

    handler.settings["default"] = settings.DATABASES["default"] = entry
    handler._connections = Local(handler.thread_critical)
    handler.create_connection = create_and_note  # to close what threads leave open
    try:
        yield
    finally:
        for wrapper in made:
            wrapper.close()
        handler.create_connection = create
        handler._connections = usual
        handler.settings["default"] = settings.DATABASES["default"] = usual_entry


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
    with django_db_blocker.unblock(), default_database(entry):
        call_command("migrate", verbosity=0, interactive=False)
    return entry


@pytest.fixture(scope="module", params=DATABASES)
def either_database(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[str]:
    """Run the tests of a module on each database; the value is its vendor."""
    if request.param == "sqlite":
        yield request.param
        return
    with default_database(request.getfixturevalue("postgresql_settings")):
        yield request.param
