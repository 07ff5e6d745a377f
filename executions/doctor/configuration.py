"""Whether the settings go together, the data directory is safe, and the database is set up to keep what it is given."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.checks import ERROR, WARNING, run_checks
from django.db import connection

from executions.doctor.findings import Examination, Finding, Repair, Severity

_SECRET_FILES: Final = ("secret_key", "admin_password", "api_token", "stars_secret")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LITTLE_BYTES: Final = 1 << 30
_HARDLY_ANY_BYTES: Final = 100 << 20


def look_for_settings(_examination: Examination) -> Iterator[Finding]:
    """Find what Django's system checks say about the settings."""
    for message in run_checks():
        if message.level >= WARNING:
            yield Finding(
                severity=Severity.PROBLEM if message.level >= ERROR else Severity.WARNING,
                what=message.msg,
                why="The site's own check of its settings says so.",
                remedy=message.hint or "Change the setting; CONTRIBUTING.md lists them.",
                examples=(message.id,) if message.id else (),
            )


def look_for_data_directory(_examination: Examination) -> Iterator[Finding]:
    """Find a data directory or secrets that others may read, and a disk that is nearly full."""
    directory = Path(settings.OBELISK_DATA_DIR)
    open_to_all = [path for path in (directory / name for name in _SECRET_FILES) if path.exists() and _others_may(path)]
    if _others_may(directory):
        open_to_all.insert(0, directory)
    if open_to_all:
        yield Finding(
            severity=Severity.WARNING,
            what="Others of this machine may look into the data directory or at its secrets.",
            why="It holds the key that signs sessions, and all that workflows know.",
            remedy="Take their rights away (`--fix`, or chmod go=).",
            examples=tuple(map(str, open_to_all)),
            repair=Repair(what="take others' rights to them away", run=partial(_close, tuple(open_to_all))),
        )
    for path in {directory, Path(settings.OBELISK_COMPILED_DIR)}:
        if path.exists() and not os.access(path, os.W_OK):
            yield Finding(
                severity=Severity.PROBLEM,
                what=f"{path} cannot be written by this user.",
                why="Database, logs and compiled components are written there.",
                remedy="Give it to the user that runs the site.",
            )
    free = shutil.disk_usage(directory).free
    if free < _LITTLE_BYTES:
        yield Finding(
            severity=Severity.PROBLEM if free < _HARDLY_ANY_BYTES else Severity.WARNING,
            what=f"The disk of the data directory has {free >> 20:,} MiB left.",
            why="When it is full nothing can be committed, and all executions stand still.",
            remedy="Make room: docs/retention.md says how old executions go.",
            examples=(str(directory),),
        )


def look_for_database_settings(examination: Examination) -> Iterator[Finding]:
    """Find a database that may lose what it acknowledged, or is damaged."""
    # Of PostgreSQL the site's own check of its settings speaks.
    if connection.vendor == "sqlite":
        yield from _sqlite(examination)


def _sqlite(examination: Examination) -> Iterator[Finding]:
    if _asked("PRAGMA journal_mode") != "wal":
        yield Finding(
            severity=Severity.PROBLEM,
            what="The SQLite database has no write-ahead log.",
            why="Readers and the writer block each other, and executors cannot tell whether others wrote.",
            remedy="Use the settings' own DATABASES; some file systems (network shares) cannot have one.",
        )
    if int(_asked("PRAGMA synchronous")) < 2:
        yield Finding(
            severity=Severity.WARNING,
            what="SQLite does not wait for the disk (synchronous is below FULL).",
            why="When power fails, what was acknowledged may be lost, though an activity has already acted on it.",
            remedy="Use the settings' own DATABASES.",
        )
    if examination.is_thorough:
        examination.tell("the whole file")
        said = _asked("PRAGMA quick_check(1)")
        if said != "ok":
            yield Finding(
                severity=Severity.PROBLEM,
                what=f"The database file is damaged: {said}.",
                why="Parts of it cannot be read, or are wrong.",
                remedy="Stop the site, keep a copy, and restore a backup or use sqlite3's .recover.",
            )


def _asked(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])


def _others_may(path: Path) -> bool:
    return bool(path.stat().st_mode & _OTHERS)


def _close(paths: tuple[Path, ...], _actor: str) -> int:
    for path in paths:
        path.chmod(path.stat().st_mode & ~_OTHERS)
    return len(paths)
