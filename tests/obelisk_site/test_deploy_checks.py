from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django_q.conf import Conf
from pytest_django import Settings

from obelisk_site.deploy_checks import check_shared_key
from tests.acceptance.sites import unused_port


def reported(*, deploying: bool) -> dict[str, str]:
    """Return what the checks of this site report, by id."""
    messages = run_checks(include_deployment_checks=deploying)
    return {message.id: message.msg for message in messages if message.id == "obelisk.W010"}


@pytest.fixture
def away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that is configured and does not answer."""
    address = {"host": "127.0.0.1", "port": unused_port(), "password": "a secret"}
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "redis": address}
    monkeypatch.setattr(Conf, "REDIS", address)


def test_a_redis_that_is_away_is_told_before_deploying_and_keeps_nothing_from_starting(away: None) -> None:
    assert reported(deploying=False) == {}

    told = reported(deploying=True)["obelisk.W010"]

    assert told.startswith("Redis does not answer: ")
    assert "Executions and pages go on" in told
    assert "a secret" not in told


def test_hosts_that_share_a_database_need_one_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_shared_key(None) == []

    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    assert [message.id for message in check_shared_key(None)] == ["obelisk.W011"]

    monkeypatch.setenv("DJANGO_SECRET_KEY", "k" * 50)
    assert check_shared_key(None) == []
