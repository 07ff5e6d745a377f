from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.log.ids import ExecutionId
from executions.testing import deployed
from tests.executions.api.clients import Api
from tests.executions.scripts import SUM, write_scripts


@pytest.fixture
def api(db: None) -> Api:
    """A client that may do everything."""
    return Api()


@pytest.fixture
def ended(transactional_db: None, tmp_path: Path) -> Iterator[ExecutionId]:
    """A workflow of three calls, in JavaScript, that has ended, with an executor that goes on."""
    with deployed(write_scripts(tmp_path)) as app:
        target = app.submit(SUM, [1, 2, 3])
        app.result(target)
        yield target
