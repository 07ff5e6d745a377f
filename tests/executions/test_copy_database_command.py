"""Moving a site to another database: everything arrives, and what waited goes on there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.sites import Site
from tests.harness.postgresql import PrivateServer
from tests.histories.databases.loading import load
from tests.histories.databases.reading import ANSWERED, documents, ended, results_of

pytestmark = [pytest.mark.timeout(600), pytest.mark.django_db]

DATABASE = max((Path(__file__).parents[1] / "histories" / "databases").glob("*.sql.gz"))
EXECUTIONS = "SELECT execution_id, status FROM executions_execution WHERE parent_id IS NULL ORDER BY execution_id"


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Site]:
    """A stopped site, with executions that wait."""
    folder = tmp_path / "source"
    folder.mkdir()
    site = Site(folder, {"OBELISK_API_RATE": "0", "OBELISK_APPS": ""})
    load(DATABASE, site.data_dir / "db.sqlite3")
    site.check("migrate", "-v0")
    yield site
    site.kill()


def target_of(tmp_path: Path, **settings: str) -> Site:
    folder = tmp_path / "target"
    folder.mkdir()
    site = Site(folder, {"OBELISK_API_RATE": "0", "OBELISK_APPS": "", **settings})
    site.migrate()
    return site


def file_of(site: Site) -> str:
    return str(site.data_dir / "db.sqlite3")


def test_everything_arrives_in_another_file_and_nothing_overwrites_it(source: Site, tmp_path: Path) -> None:
    target = target_of(tmp_path)

    copied = target.check("copy_database", file_of(source))

    assert copied.lines[-1].endswith("rows copied; both databases hold the same.")
    assert documents(target) == documents(source)
    again = target.run("copy_database", file_of(source))
    assert again.status == 1
    assert again.err.startswith("CommandError: the target is in use: ")


def test_a_site_moves_to_postgresql_and_goes_on_there(
    source: Site, tmp_path: Path, postgresql_server: PrivateServer
) -> None:
    url = postgresql_server.create_database("moved")
    target = target_of(tmp_path, OBELISK_DATABASE_URL=url)
    recorded = json.loads(DATABASE.with_name(DATABASE.name.replace(".sql.gz", ".json")).read_text())

    target.check("copy_database", file_of(source))

    assert documents(target) == documents(source)
    executor = target.start("run_executor")
    question = next(
        each for each in target.python(_CHILDREN.format(parent=str(ANSWERED))) if each.startswith(str(ANSWERED))
    )
    target.check("execution", "stub", question, '{"ok": true}')
    target.python(_WAIT)
    assert results_of(documents(target)) == ended(recorded)
    assert executor.process.poll() is None
    target.kill()


def test_what_cannot_be_a_source_is_refused(source: Site, tmp_path: Path) -> None:
    target = target_of(tmp_path)
    old = tmp_path / "old.sqlite3"
    load(DATABASE, old)

    for argument, sentence in (
        (str(tmp_path / "none.sqlite3"), "source: there is no file "),
        ("mysql://root:secret@localhost/x", "source: expected a file, or an address such as postgres://"),
        (str(old), "the databases are of different versions (executions."),
    ):
        refused = target.run("copy_database", argument)
        assert refused.status == 1
        assert refused.err.startswith(f"CommandError: {sentence}"), refused.err
        assert "secret" not in refused.err


_CHILDREN = """
import json
from executions.models import Execution
print(json.dumps(list(Execution.objects.filter(parent_id={parent!r}).values_list("pk", flat=True))))
"""
_WAIT = """
import time
from executions.models import Execution
until = time.monotonic() + 200
while (left := Execution.objects.filter(parent_id=None).exclude(status="finished").count()):
    assert time.monotonic() < until, left
    time.sleep(0.2)
print(1)
"""
