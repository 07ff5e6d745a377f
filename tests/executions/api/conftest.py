from __future__ import annotations

import pytest

from tests.executions.api.clients import Api


@pytest.fixture
def api(db: None) -> Api:
    """A client that may do everything."""
    return Api()
