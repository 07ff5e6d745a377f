from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _only_this_machine(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]  # Django's test runner lets its own host in


def reported() -> set[str]:
    """Return the ids of what the checks of this site report."""
    return {message.id for message in run_checks() if message.id and message.id.startswith("obelisk.")}


def test_the_settings_as_they_are_have_nothing_to_report() -> None:
    assert reported() == set()


def test_debug_pages_for_other_machines_are_an_error(settings: Settings) -> None:
    settings.DEBUG = True
    assert reported() == set()

    settings.ALLOWED_HOSTS = ["localhost", "obelisk.example.com"]
    assert "obelisk.E001" in reported()


def test_a_session_cookie_in_the_clear_is_reported_once_others_can_reach_the_site(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["obelisk.example.com"]
    assert reported() == {"obelisk.W001"}

    settings.SESSION_COOKIE_SECURE = True
    settings.CSRF_TRUSTED_ORIGINS = ["https://obelisk.example.com"]
    assert reported() == set()


def test_https_without_a_trusted_origin_is_reported(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True

    assert reported() == {"obelisk.W002"}


def test_a_short_secret_key_is_an_error(settings: Settings) -> None:
    settings.SECRET_KEY = "x" * 31

    assert reported() == {"obelisk.E002"}


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("transaction_mode", "DEFERRED", "obelisk.E003"),
        ("transaction_mode", None, "obelisk.E003"),
        ("init_command", "PRAGMA synchronous = FULL", "obelisk.E004"),
    ],
)
def test_a_sqlite_database_that_cannot_be_shared_is_an_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, option: str, value: str | None, error: str
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], option, value)

    assert reported() == {error}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"timeout": 60, "retry": 60}, "obelisk.E005"),
        ({"timeout": None}, "obelisk.E005"),
        ({"orm": "elsewhere"}, "obelisk.E006"),
    ],
)
def test_a_queue_that_cannot_work_is_an_error(settings: Settings, changes: dict[str, Any], error: str) -> None:
    settings.Q_CLUSTER = settings.Q_CLUSTER | changes

    assert reported() == {error}


def test_hosts_of_the_operator_that_mean_nothing_are_reported(settings: Settings) -> None:
    settings.OBELISK_OUTBOUND_HOSTS = ["https://a.test/path"]
    assert reported() == {"obelisk.E007"}

    settings.OBELISK_OUTBOUND_HOSTS = ["https://a.test"]
    assert reported() == set()

    settings.OBELISK_SERVER_CONFIG = "/no/such/file.toml"
    assert reported() == {"obelisk.E007"}


@pytest.mark.parametrize("prefix", ["/", "hooks/", "/hooks", "/admin/hooks/", "/v1/", ""])
def test_a_prefix_of_webhooks_that_cannot_be_is_an_error(settings: Settings, prefix: str) -> None:
    settings.OBELISK_WEBHOOK_PREFIX = prefix

    assert reported() == {"obelisk.E009"}


def test_traces_without_the_packages_that_send_them_are_an_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OBELISK_TRACING = True
    assert reported() == set()

    monkeypatch.setattr("obelisk_site.checks.find_spec", lambda _name: None)

    assert reported() == {"obelisk.E010"}
