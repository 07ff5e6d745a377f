from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_django import Settings

from components.operator import operator_config, take_operator_policy, visible_environ


@pytest.fixture(autouse=True)
def _configured(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "server.toml"
    file.write_text('[secrets]\nTOKEN = { env = "OUR_TOKEN" }\n')
    settings.OBELISK_SERVER_CONFIG = str(file)
    settings.OBELISK_OUTBOUND_HOSTS = ["http://127.0.0.1:*"]
    monkeypatch.setenv("OUR_TOKEN", "hunter2")
    monkeypatch.setenv("OUR_REGION", "here")


def test_deployments_may_not_refer_to_a_secrets_variable() -> None:
    visible = visible_environ()

    assert "OUR_TOKEN" not in visible
    assert visible["OUR_REGION"] == "here"


def test_deployments_may_not_refer_to_the_sites_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SECRET_KEY", "hunter3")

    assert "DJANGO_SECRET_KEY" not in visible_environ()


def test_the_process_that_runs_guests_takes_secrets_out_of_its_environment() -> None:
    policy = take_operator_policy()

    assert policy.secrets["TOKEN"].reveal() == "hunter2"
    assert "OUR_TOKEN" not in os.environ
    assert [host.pattern for host in policy.allowed_hosts] == ["http://127.0.0.1:*"]


def test_the_configuration_itself_holds_no_secret() -> None:
    assert "hunter2" not in repr(operator_config())
