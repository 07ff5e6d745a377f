"""Databases of old versions: migrated, they tell the same, and what was under way in them ends as it would have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.sites import Site
from tests.histories.databases.loading import load
from tests.histories.databases.reading import ANSWERED, as_recorded, documents, ended, results_of
from tests.histories.databases.stories import STORIES, When

pytestmark = [pytest.mark.timeout(600), pytest.mark.django_db]  # they look into sites' databases

FOLDER = Path(__file__).parent / "databases"
FILES = sorted(FOLDER.glob("*.sql.gz"))


@pytest.fixture(params=FILES, ids=lambda path: path.name.removesuffix(".sql.gz"))
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def site(tmp_path: Path, file: Path) -> Iterator[Site]:
    """A site with an old database, migrated."""
    site = Site(tmp_path, {"OBELISK_API_RATE": "0", "OBELISK_APPS": ""})
    load(file, site.data_dir / "db.sqlite3")
    site.check("migrate", "-v0")
    yield site
    site.kill()


def recorded(file: Path) -> Any:
    """Return what the old version's executions came to."""
    return json.loads(file.with_name(file.name.replace(".sql.gz", ".json")).read_text())


def test_an_old_database_tells_and_ends_as_it_did(site: Site, file: Path) -> None:
    site.check("check", "--fail-level", "ERROR")
    told = documents(site)

    expected = recorded(file)
    assert as_recorded(told, expected["finished"]) == expected["finished"]

    site.start_executor()
    site.check("execution", "stub", question_of(site), '{"ok": true}')
    for story in STORIES:
        site.wait_until_finished(story.execution_id)

    assert results_of(documents(site)) == ended(expected)


def question_of(site: Site) -> str:
    """Return the id of the stub that waits for an answer."""
    ((found,),) = site.query("SELECT execution_id FROM executions_execution WHERE parent_id = %s", ANSWERED)
    return str(found)


def test_the_databases_hold_what_the_stories_say(file: Path) -> None:
    expected = recorded(file)

    assert expected["results"].keys() == {story.execution_id for story in STORIES}
    assert expected["finished"].keys() == {s.execution_id for s in STORIES if s.when is When.FINISHES}
