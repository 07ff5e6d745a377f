"""A site with the components that tests drive the engine with, served whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.api_client import PATIENCE_S, Client, serve
from tests.acceptance.sites import REPOSITORY, Site
from tests.harness.eventually import eventually

_COMPONENTS = REPOSITORY / "tests" / "components"
_MANIFEST = _COMPONENTS / "deployment.toml"
# Rows of these come and go by themselves; refused requests are written a while behind them.
_RESTLESS = re.compile(
    r"django_|sqlite_|executions_(executorheartbeat|apitoken|rollup|rollupcursor|databasesize)$|webhooks_refusedrequest$"
)


@contextmanager
def workshop(folder: Path, manifest: Path = _MANIFEST, settings: dict[str, str] | None = None) -> Iterator[Workshop]:
    """Deploy a file, serve it, and end everything behind it.

    Args:
        folder: Where the site's data goes.
        manifest: The deployment file; that of ``tests/components`` by default.
        settings: More environment variables.
    """
    site = Site(folder, {"OBELISK_API_RATE": "0", "OBELISK_APPS": "", **(settings or {})})
    try:
        site.migrate()
        site.check("deploy", str(manifest))
        yield Workshop(site, serve(site))
    finally:
        site.kill()


class Workshop:
    """A site and a client of its API.

    Args:
        site: The site.
        client: The client, with a token that may do everything.
    """

    def __init__(self, site: Site, client: Client) -> None:
        self.site, self.client = site, client

    def submit(self, ffqn: str, params: list[Any], **more: Any) -> str:
        """Start an execution and return its id."""
        status, document = self.client.send("POST", "executions", {"ffqn": ffqn, "params": params, **more})
        assert status == 201, document
        return str(document["ok"])

    def result(self, execution_id: str) -> Any:
        """Wait for the end of an execution and return what it came to."""
        status, document = self.client.send("GET", f"executions/{execution_id}?follow=true")
        assert status == 200, document
        return document

    def status(self, execution_id: str) -> Any:
        """Return what the API says about an execution."""
        status, document = self.client.send("GET", f"executions/{execution_id}/status")
        assert status == 200, document
        return document

    def wait_for(self, execution_id: str, status: str) -> Any:
        """Wait until an execution is in a state, and return that with all its members."""

        def look() -> Any:
            state = self.status(execution_id)["pending_state"]
            return state if state["status"] == status else None

        return eventually(look, within_s=PATIENCE_S)

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables that only requests change."""
        tables = [row[0] for row in self.site.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: self.site.query(f'SELECT * FROM "{name}"') for name in tables if not _RESTLESS.match(name)}
