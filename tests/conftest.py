from __future__ import annotations

import os

import hypothesis
import pytest

from tests.harness.simulation import release_executors
from tests.skips import SkipsFail

pytest_plugins = ["obelisk.testing", "pytester", "tests.harness.databases", "tests.harness.sharing_out"]

# The machines that run this share their cores, so an example may take its time. In CI a run depends on the commit
# alone; elsewhere every run tries new examples.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", parent=hypothesis.settings.get_profile("default"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(SkipsFail(), "skips-fail")


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    release_executors()
