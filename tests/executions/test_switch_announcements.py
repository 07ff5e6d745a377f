from __future__ import annotations

import threading
from pathlib import Path

import pytest

from executions.journal.wakeups import make_change_feed
from tests.executions.deployments import deploy_runnable
from tests.harness.eventually import PATIENCE_S

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("either_database")]


def test_who_listens_hears_of_another_deployment(tmp_path: Path) -> None:
    heard = threading.Event()
    feed = make_change_feed()
    feed.start(heard.set)
    try:
        # At the start it says so once, as something may have been missed.
        assert heard.wait(PATIENCE_S)
        heard.clear()

        deploy_runnable(tmp_path)

        assert heard.wait(PATIENCE_S)
    finally:
        feed.stop()
