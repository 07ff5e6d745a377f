#!/usr/bin/env python
"""The command line of the project: ``manage.py help`` lists the commands."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command named on the command line; a wrong setting ends it with one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "obelisk_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as exc:
        sys.exit(f"manage.py: {exc.name} is not installed here; run `make` once, then use .venv/bin/python manage.py.")

    from django.db import DatabaseError

    from obelisk_site.env import EnvError

    try:
        execute_from_command_line(sys.argv)
    except EnvError as exc:
        sys.exit(f"manage.py: {exc}")
    except DatabaseError as exc:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"manage.py: the database failed: {exc}; `manage.py migrate` sets it up, --traceback tells more.")


if __name__ == "__main__":
    main()
