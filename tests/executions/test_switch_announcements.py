from __future__ import annotations

import threading
from pathlib import Path

import pytest

from executions.journal.notifications import switchboard
from executions.journal.wakeups import make_change_feed
from tests.executions.deployments import deploy_runnable
from tests.harness.eventually import PATIENCE_S

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("either_database")]


def test_who_listens_hears_of_another_deployment(tmp_path: Path, either_database: str) -> None:
    heard = threading.Event()
    feed = make_change_feed()
    feed.start(heard.set)
    try:
        if either_database == "postgresql":
            # A process hears through one connection, which may have been there before and has nothing to say then.
            switchboard().tell(None)
            assert switchboard().flush(PATIENCE_S)
        # Whoever begins to listen says so once, as something may have been missed.
        assert heard.wait(PATIENCE_S)
        heard.clear()

        deploy_runnable(tmp_path)

        assert heard.wait(PATIENCE_S)
    finally:
        feed.stop()
