"""Every version that was released left the records that upgrades from it are tested with."""

from __future__ import annotations

import re
from pathlib import Path

from tests.acceptance.sites import REPOSITORY

FOLDER = Path(__file__).parent


def released(changelog: str) -> list[str]:
    """Return the versions that a changelog has a heading for, newest first."""
    return re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)


def missing(versions: list[str], folder: Path) -> list[str]:
    """Return the files that are not there; the newest version's source has to be."""
    names = [f"databases/{version}.{kind}" for version in versions for kind in ("sql.gz", "json")]
    names += [f"versions/{version}.tar.xz" for version in versions[:1]]
    return [name for name in names if not (folder / name).is_file()]


def test_every_release_of_the_changelog_left_its_records() -> None:
    versions = released((REPOSITORY / "CHANGELOG.md").read_text())

    assert missing(versions, FOLDER) == [], "make release-records VERSION=... makes them"


def test_a_release_without_records_is_found(tmp_path: Path) -> None:
    versions = released("# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2027-01-01\n\n## [0.1.0] - 2026-12-01\n")
    (tmp_path / "databases").mkdir()
    for name in ("0.1.0.sql.gz", "0.1.0.json", "0.2.0.json"):
        (tmp_path / "databases" / name).touch()

    assert versions == ["0.2.0", "0.1.0"]
    assert missing(versions, tmp_path) == ["databases/0.2.0.sql.gz", "versions/0.2.0.tar.xz"]
