"""A pytest plugin: which of pytest-xdist's processes runs which tests, and in which order.

What tests share is made once for a module, and for some folders: a site takes seconds to start. So one process runs the
whole module, or folder. What takes long is begun first, lest one process has work when the others have ended.
"""

from __future__ import annotations

from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_ONE_SITE: Final = ("tests/browser/", "tests/acceptance/fleet/")
"""Folders whose tests share a site."""

_ONE_SITE_FOR_EACH_DATABASE: Final = "tests/chaos/"

_LONG: Final = (
    "tests/chaos/",
    "tests/browser/",
    "tests/acceptance/",
    "tests/histories/",
    "tests/executions/test_copy_database_command.py",
    "tests/engine/simulation/",
    "tests/engine/guests/",
    "tests/fuzz/",
)
"""Minutes rather than seconds, the longest first."""


class SharingOut(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Hands out modules and folders whole."""

    def _split_scope(self, nodeid: str) -> str:
        return shared_by(nodeid)


def shared_by(nodeid: str) -> str:
    """Return the same for tests that one process has to run."""
    if nodeid.startswith(_ONE_SITE_FOR_EACH_DATABASE):
        # What names no database is about PostgreSQL.
        return f"{_ONE_SITE_FOR_EACH_DATABASE}{'sqlite' if '[sqlite' in nodeid else 'postgresql'}"
    return next((folder for folder in _ONE_SITE if nodeid.startswith(folder)), nodeid.split("::", 1)[0])


def urgency(nodeid: str) -> int:
    """Return what tests are sorted by; those of a module have the same."""
    return next((place for place, start in enumerate(_LONG) if nodeid.startswith(start)), len(_LONG))


def pytest_configure(config: pytest.Config) -> None:
    """Leave the order alone, which pytest-xdist would have by the number of tests."""
    if config.pluginmanager.hasplugin("xdist"):
        config.option.loadscopereorder = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharingOut:
    """Share out so, whatever ``--dist`` says."""
    return SharingOut(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long, and leave the rest in its random order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: urgency(item.nodeid))
