"""``manage.py copy_database``: bring a stopped site's data into the database that the settings name."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from django.utils import timezone

from components.reports import counted
from executions.database_copy import CopyRefused, copy_database

_SOURCE = "source"


class Command(BaseCommand):
    """Copies all rows of a database."""

    help = (
        "Copy everything from another database into the one that the settings name (OBELISK_DATABASE_URL), which must "
        "be migrated and empty. Nothing may run on either meanwhile. All or nothing is copied, and compared afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("source", help="an SQLite file such as var/db.sqlite3, or postgres://user@host:5432/name")

    def handle(self, *_args: Any, source: str, **options: Any) -> None:
        """Copy."""
        entries = {"default": dict(dj_database_url.parse(_address(source)))}
        connections.settings[_SOURCE] = connections.configure_settings(entries)["default"]

        def tell(table: str, rows: int) -> None:
            if rows and options["verbosity"] > 0:
                self.stdout.write(f"{rows:>10,}  {table}")

        try:
            copied = copy_database(_SOURCE, "default", timezone.now(), tell)
        except CopyRefused as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"a database refuses: {error}; nothing was changed") from error
        finally:
            connections[_SOURCE].close()
        self.stdout.write(f"{counted(copied, 'row')} copied; both databases hold the same.")


def _address(source: str) -> str:
    scheme, separator, _ = source.partition("://")
    if separator:
        if scheme not in {"postgres", "postgresql"}:
            # The address is not repeated: it may hold a password.
            raise CommandError("source: expected a file, or an address such as postgres://user@host:5432/name")
        return source
    if not Path(source).is_file():
        raise CommandError(f"source: there is no file {source}")
    return f"sqlite:///{Path(source).resolve()}"
