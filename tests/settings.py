"""The site's settings for tests: a data directory that is thrown away, cheap passwords, and no waiting for the disk."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_SESSION_DIR = "OBELISK_TESTS_SESSION_DIR"


def _make_data_dir() -> Path:
    """Make this process a data directory, inside the one of the session.

    pytest-xdist's workers inherit the session's from the process that starts them. That one removes it when it ends;
    they could not, since they are ended without being asked.
    """
    if _SESSION_DIR not in os.environ:
        session, owner = tempfile.mkdtemp(prefix="obelisk-tests-"), os.getpid()
        os.environ[_SESSION_DIR] = session

        @atexit.register
        def _remove() -> None:
            if os.getpid() == owner:  # a forked child must not remove it under its parent
                shutil.rmtree(session, ignore_errors=True)

    return Path(tempfile.mkdtemp(dir=os.environ[_SESSION_DIR]))


# The environment is set before the site's settings are read, and is inherited by the processes that tests start:
# nothing a test does depends on, or reaches, what belongs to whoever runs it.
_data_dir = _make_data_dir()
for _name in [name for name in os.environ if name.startswith(("DJANGO_", "OBELISK_")) or name == "PORT"]:
    if _name not in {"DJANGO_SETTINGS_MODULE", _SESSION_DIR}:
        del os.environ[_name]
os.environ["OBELISK_DATA_DIR"] = str(_data_dir)

from obelisk_site.database import SQLITE_PRAGMAS, sqlite_database  # noqa: E402 - reads the environment set above
from obelisk_site.settings import *  # noqa: E402, F403

# Apps whose activities fail, wait and count as tests need it, and which empties the database between tests.
INSTALLED_APPS = [*INSTALLED_APPS, "tests.apps.lab", "tests.apps.emptying"]  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A file, not memory: tests with threads and processes need connections that wait for one another as real ones do.
# Losing power is the one fault they do not try, so commits need not reach the disk.
DATABASES = {
    "default": sqlite_database(
        _data_dir / "db.sqlite3", conn_max_age=None, pragmas={**SQLITE_PRAGMAS, "synchronous": "OFF"}
    )
    | {"TEST": {"NAME": _data_dir / "test.sqlite3"}},
}

# Building an interpreter takes half a minute. What lies there is named by its content, so the site of this checkout and
# the tests may share it.
OBELISK_RUNTIMES_DIR = Path(__file__).resolve().parent.parent / "var" / "cache" / "runtimes"
# Nor does it matter who has compiled what.
OBELISK_COMPILED_DIR = OBELISK_RUNTIMES_DIR / "compiled"
