from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from obelisk_site.database import postgresql_database
from obelisk_site.postgresql_checks import check_postgresql
from obelisk_site.process import Process
from tests.harness.databases import default_database
from tests.harness.postgresql import PrivateServer


def reported() -> dict[str | None, str]:
    """Return the sentences of what is reported, by id."""
    return {message.id: message.msg for message in check_postgresql(None)}


@pytest.fixture
def on_postgresql(
    postgresql_server: PrivateServer, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    entry = postgresql_database(postgresql_server.url("postgres"), process=Process.COMMAND, pool_size=4)
    entry["OPTIONS"]["options"] = "-c synchronous_commit=on"
    with (
        django_db_blocker.unblock(),
        default_database(dict(connections.configure_settings({"default": entry})["default"])),
    ):
        yield


def test_sqlite_is_none_of_its_business(db: None) -> None:
    assert reported() == {}


@pytest.mark.usefixtures("on_postgresql")
def test_a_server_that_may_lose_commits_is_a_warning() -> None:
    # The tests' server writes nothing through to the disk.
    assert set(reported()) == {"obelisk.W004"}

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")

    assert set(reported()) == {"obelisk.W003", "obelisk.W004"}


@pytest.mark.usefixtures("on_postgresql")
def test_an_encoding_that_cannot_hold_all_text_is_an_error() -> None:
    with connection.cursor() as cursor:
        version = connection.get_database_version()
        provider = "LOCALE_PROVIDER libc" if version >= (15,) else ""
        cursor.execute(f"CREATE DATABASE any_bytes ENCODING 'SQL_ASCII' LOCALE 'C' {provider} TEMPLATE template0")
    connection.close()
    connection.settings_dict["NAME"] = "any_bytes"

    assert "SQL_ASCII" in reported()["obelisk.E012"]


@pytest.mark.usefixtures("on_postgresql")
def test_a_database_that_does_not_answer_is_one_sentence_without_the_password() -> None:
    connection.settings_dict |= {"NAME": "nowhere", "PASSWORD": "swordfish"}

    ((problem, sentence),) = reported().items()

    assert problem == "obelisk.E011"
    assert '"nowhere" does not exist' in sentence
    assert "swordfish" not in sentence
    assert "\n" not in sentence


@pytest.mark.usefixtures("on_postgresql")
def test_a_server_that_is_too_old_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # It is looked at once a process.
    monkeypatch.setattr("django.db.backends.base.base.RAN_DB_VERSION_CHECK", set())
    monkeypatch.setattr("django.db.backends.postgresql.features.DatabaseFeatures.minimum_database_version", (99,))

    assert "99 or later" in reported()["obelisk.E010"]
