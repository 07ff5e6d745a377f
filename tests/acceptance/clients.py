"""The client `obelisk`, as a person has it who works with a site."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tests.acceptance.sites import REPOSITORY, Finished, Site
from tests.harness.site_database import COMMAND_S
from tests.harness.terminals import Terminal, at_terminal

SCRIPT = [sys.executable, "-m", "obelisk.client"]


@dataclass(frozen=True, slots=True)
class Obelisk:
    """The client of one site.

    Args:
        site: The site, whose server runs or did.
        token: Who is asking.
    """

    site: Site
    token: str

    @classmethod
    def of(cls, site: Site) -> Obelisk:
        """Return the client of a site that has made its first token."""
        return cls(site, (site.data_dir / "api_token").read_text().strip())

    def __call__(self, *arguments: str, token: str | None = None, url: str | None = None) -> Finished:
        """Run a command to its end, in a pipe."""
        with self.start(*arguments, token=token, url=url) as process:
            out, err = process.communicate(timeout=COMMAND_S)
        return Finished(process.returncode, out, err)

    def json(self, *arguments: str) -> Any:
        """Run a command that must not fail, and return the JSON document that it prints."""
        group, verb, *rest = arguments
        finished = self(group, verb, "--json", *rest)
        assert finished.status == 0, finished
        return json.loads(finished.out)

    def start(self, *arguments: str, token: str | None = None, url: str | None = None) -> subprocess.Popen[str]:
        """Start a command, in pipes."""
        return subprocess.Popen(
            [*SCRIPT, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(token=token, url=url),
        )

    def at_terminal(self, *arguments: str, columns: int = 100, **variables: str) -> AbstractContextManager[Terminal]:
        """Start a command at a terminal, with further environment variables."""
        environment = {**self.environment(), "TERM": "xterm-256color", **variables}
        return at_terminal([*SCRIPT, *arguments], environment=environment, columns=columns)

    def environment(self, *, token: str | None = None, url: str | None = None) -> dict[str, str]:
        """Return the environment variables of a command."""
        inherited = {name: value for name, value in os.environ.items() if not name.endswith(("COLOR", "COLUMNS"))}
        return {
            **inherited,
            "OBELISK_API_URL": url or f"http://127.0.0.1:{self.site.port}",
            "OBELISK_API_TOKEN": self.token if token is None else token,
            "OBELISK_DATA_DIR": str(self.site.data_dir),
            "PYTHONPATH": str(REPOSITORY),
        }
