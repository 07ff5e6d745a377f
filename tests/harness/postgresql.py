"""Private PostgreSQL servers: a temporary folder, a socket in it, and nobody else's data."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from tests.harness.eventually import eventually

MISSING = "PostgreSQL's server is not installed (Debian: apt install postgresql)"

_SUPERUSER = "obelisk"
#: A disk that loses power is the one fault that most tests do not try.
CARELESS: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SMALL: Mapping[str, str] = {"shared_buffers": "64MB", "max_connections": "60", "listen_addresses": ""}


def find_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL that is installed, or ``None``."""
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if installed:
        return max(installed, key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    return None if on_path is None else Path(on_path).resolve().parent


class PrivateServer:
    """A server that ends with this process; a context manager.

    The databases' own order of text is not bytewise, so that a column that needs to be is found out.

    Args:
        options: Settings of the server besides the ones that make it small.
        port: Where it also listens on the loopback; 0 for its socket alone.
    """

    def __init__(self, options: Mapping[str, str] = CARELESS, *, port: int = 0) -> None:
        binaries = find_binaries()
        assert binaries is not None, MISSING
        self._binaries = binaries
        self._major = int(subprocess.check_output([binaries / "postgres", "-V"], text=True).split()[2].split(".")[0])
        # Not below the session's folder, which is nobody else's: the server refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="obelisk-pg-"))
        self._held = ExitStack()
        """What is given back when it is down."""
        self._held.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.user = _unprivileged_user()
        self._options = {**_SMALL, **options}
        if port:
            self._options |= {"listen_addresses": "127.0.0.1", "port": str(port)}
        self._process: subprocess.Popen[bytes] | None = None
        if self.user is not None:
            shutil.chown(self.folder, self.user)

    def __enter__(self) -> Self:
        self._create()
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self._held.close()

    @property
    def pid(self) -> int:
        """The process of the server that is up."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return (self.folder / "log").read_text(errors="replace")

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            psycopg.connect(self._conninfo("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str, *, host: str = "") -> str:
        """Return the address of a database, as ``OBELISK_DATABASE_URL`` wants it.

        Args:
            database: Its name.
            host: An address where the server listens; its socket by default.
        """
        port = self._options.get("port", "5432")
        return f"postgres://{_SUPERUSER}@{host or quote(str(self.folder), safe='')}:{port}/{database}"

    def create_database(self, name: str) -> str:
        """Make an empty database and return its address."""
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def cut_connections(self) -> int:
        """End all connections of clients, in the middle of whatever they do; return how many there were."""
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            return connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).rowcount

    def start(self) -> None:
        """Start it; returns when it answers."""
        self.launch()
        eventually(self._answers)

    def launch(self) -> None:
        """Start it, whether or not it comes up."""
        assert not self.is_running, "it is up"
        settings = [argument for name, value in self._options.items() for argument in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._as_user(death="INT"),
                    self._binaries / "postgres",
                    *("-D", self.folder / "data", "-k", self.folder),
                    *settings,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self, *, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it; returns when it is down.

        Args:
            how: The signal; by default the one that cuts all connections and ends in order.
        """
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=60)
            self._process = None

    def _create(self, *arguments: str) -> None:
        locale = ["--locale-provider=icu", "--icu-locale=en-US"] if self._major >= 15 else []
        subprocess.run(
            [
                *self._as_user(),
                self._binaries / "initdb",
                *("-D", self.folder / "data", "-U", _SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"),
                *("--locale=C.UTF-8", *locale, *arguments),
            ],
            check=True,
            capture_output=True,
        )
        # For hosts in networks of their own (`tests.harness.networks`), if it listens there.
        with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")

    def _as_user(self, *, death: str = "keep") -> list[str]:
        """Return what stands before a command that must not run as root, and ends with this process."""
        user = [] if self.user is None else [f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        return ["setpriv", *user, f"--pdeathsig={death}", "--"]

    def _answers(self) -> bool:
        assert self.is_running, self.log
        return self.answers()

    def _conninfo(self, database: str) -> str:
        return psycopg.conninfo.make_conninfo(
            host=str(self.folder), port=self._options.get("port", "5432"), user=_SUPERUSER, dbname=database
        )


def _unprivileged_user() -> str | None:
    """Return whom to run as, or ``None`` for whoever runs this."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
