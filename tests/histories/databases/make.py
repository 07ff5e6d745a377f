"""Makes the database of an old version: run by hand as ``python -m tests.histories.databases.make NAME COMMIT``.

The version is taken out of this repository into a temporary folder and run there, in this virtual environment. Its
executor is killed with work under way; what the database holds then is written as ``NAME.sql.gz``. The same version
then carries on to the end, and ``NAME.json`` says what came of every execution: newer versions have to end the same.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

# They need Django, which is set up now.
from tests.acceptance.sites import Site  # noqa: E402
from tests.histories.databases.loading import dump  # noqa: E402
from tests.histories.databases.old_version import OldVersion, take_out  # noqa: E402
from tests.histories.databases.reading import ANSWERED, documents  # noqa: E402
from tests.histories.databases.stories import STORIES, When  # noqa: E402

FOLDER = Path(__file__).parent


def live(version: OldVersion) -> None:
    """Let a version live until its executor is killed."""
    version.manage("migrate", "-v0")
    version.manage("deploy", "tests/components/deployment.toml")
    with version.executor():
        version.submit(When.FINISHES)
        version.wait(When.FINISHES, "finished")
        version.submit(When.WAITS)
        version.wait(When.WAITS, "blocked_by_join_set", "pending_at")
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


if __name__ == "__main__":
    main()
