from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests.acceptance.sites import Site


@pytest.fixture(scope="session", autouse=True)
def unblocked(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Sites have databases of their own."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a database in which the compiled examples are deployed."""
    site = Site(tmp_path_factory.mktemp("template"))
    site.migrate()
    site.check("deploy", "examples/compiled.toml")
    return site.data_dir


@pytest.fixture
def site(template: Path, tmp_path: Path) -> Iterator[Site]:
    """A site with the compiled examples, on which nothing runs yet."""
    site = Site(tmp_path)
    shutil.copytree(template, site.data_dir)
    yield site
    site.kill()
