from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings

from tests.webhooks.sites import ROUTES, deploy_doorman
from webhooks.host import stop_webhook_host

VERIFY = 'verify = { provider = "github", secret = ["HOOK", "OLD_HOOK"] }\n'


@pytest.fixture(autouse=True)
def no_badges() -> Iterator[None]:
    """What the menu counted is forgotten."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def endpoint(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An endpoint that wants signatures by either of two secrets; its deployment's folder."""
    (tmp_path / "server.toml").write_text(
        '[secrets]\nHOOK = { env = "CONSOLE_HOOK" }\nOLD_HOOK = { env = "CONSOLE_OLD_HOOK" }\n'
    )
    settings.OBELISK_SERVER_CONFIG = str(tmp_path / "server.toml")
    monkeypatch.setenv("CONSOLE_HOOK", "hush")
    monkeypatch.setenv("CONSOLE_OLD_HOOK", "hush once")
    deploy_doorman(tmp_path, ROUTES + VERIFY)
    yield tmp_path
    stop_webhook_host()
