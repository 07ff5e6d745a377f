"""Makes the database of an old version: run by hand as ``python -m tests.histories.databases.make NAME COMMIT``.

The version is taken out of this repository into a temporary folder and run there, in this virtual environment. Its
executor is killed with work under way; what the database holds then is written as ``NAME.sql.gz``. The same version
then carries on to the end, and ``NAME.json`` says what came of every execution: newer versions have to end the same.

With ``--source``, the version's source takes the place of the one in ``tests/histories/versions``, whose executor runs
beside the present one in the tests of rolling upgrades. A release does all that with ``make release-records``.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import subprocess
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

# They need Django, which is set up now.
from tests.acceptance.sites import REPOSITORY, Site  # noqa: E402
from tests.histories.databases.loading import dump  # noqa: E402
from tests.histories.databases.old_version import OldVersion, take_out  # noqa: E402
from tests.histories.databases.reading import ANSWERED, documents  # noqa: E402
from tests.histories.databases.stories import STORIES, When  # noqa: E402

FOLDER = Path(__file__).parent
VERSIONS = FOLDER.parent / "versions"
_RUNS: tuple[str, ...] = ("manage.py", "pyproject.toml", "engine", "executions", "components", "webhooks")
_RUNS += ("obelisk", "obelisk_site", "console", "templates", "static")


def live(version: OldVersion) -> None:
    """Let a version live until its executor is killed."""
    version.manage("migrate", "-v0")
    version.manage("deploy", "tests/components/deployment.toml")
    with version.executor():
        version.submit(When.FINISHES)
        version.wait(When.FINISHES, "finished")
        version.submit(When.WAITS)
        version.wait(When.WAITS, "blocked_by_join_set", "pending_at", "finished")  # retries may be over already
        version.submit(When.IS_HELD)
        version.wait(When.IS_HELD, "locked")
    version.submit(When.NEVER_RAN)


def carry_on(version: OldVersion) -> None:
    """Let a version end what it holds; nobody answers its question."""
    with version.executor():
        for when in When:
            version.wait(when, "finished", but=(ANSWERED,))


def main() -> None:
    """Make one database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("commit")
    parser.add_argument("--source", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree, data_dir = Path(folder) / "tree", Path(folder) / "data"
        take_out(given.commit, tree)
        version = OldVersion(tree, data_dir)
        live(version)
        dump(data_dir / "db.sqlite3", FOLDER / f"{given.name}.sql.gz")
        carry_on(version)
        site = Site(Path(folder), {"OBELISK_API_RATE": "0", "OBELISK_APPS": ""})  # whose data directory is the same
        site.check("migrate", "-v0")
        told = documents(site)
    finished = {story.execution_id: told[story.execution_id] for story in STORIES if story.when is When.FINISHES}
    results = {execution_id: document["result"] for execution_id, document in told.items()}
    document = {"commit": given.commit, "finished": finished, "results": {**results, ANSWERED: {"ok": True}}}
    (FOLDER / f"{given.name}.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    if given.source:
        keep_source(given.name, given.commit)


def keep_source(name: str, commit: str) -> None:
    """Keep what runs of a version, in place of the version that was kept before."""
    command = ["git", "archive", "--format=tar", commit, *_RUNS]
    archive = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True).stdout
    for before in VERSIONS.glob("*.tar.xz"):
        before.unlink()
    (VERSIONS / f"{name}.tar.xz").write_bytes(lzma.compress(archive, preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
