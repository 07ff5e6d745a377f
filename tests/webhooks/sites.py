"""Deployments of the doorman, a webhook endpoint that does what its route says, and what they left in the log."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from components.services import deploy
from engine.log.ids import ExecutionId
from executions.journal.journal import SqlJournal
from executions.models import Execution, LogLine
from tests.components_app.builders import REPOSITORY, write_deployment
from webhooks.host import webhook_host

Message = MutableMapping[str, Any]

_COMPONENTS = REPOSITORY / "tests" / "components"
DOORMAN = """
[[webhook_endpoint_wasm]]
name = "doorman"
location = "doorman.wasm"
"""
ROUTES = 'routes = ["/do/:op", "/do/:op/:id"]\n'
PROBE = """
[[activity_wasm]]
name = "probe"
location = "probe.wasm"
"""


def deploy_doorman(folder: Path, extra: str = ROUTES, *, more: str = PROBE) -> None:
    """Deploy the endpoint, with what ``extra`` adds to its table, and other components."""
    files = {name: (_COMPONENTS / name / f"{name}.wasm").read_bytes() for name in ("doorman", "probe")}
    deploy(write_deployment(folder, DOORMAN + extra + more, **files))


def requests_recorded() -> list[Execution]:
    """Return the executions of requests, oldest first."""
    return list(Execution.objects.of_function("wasi:http/incoming-handler.handle").order_by("created_at"))


def events_of(execution_id: str) -> list[str]:
    """Return the names of an execution's events."""
    journal = SqlJournal.for_current_connection()
    return [type(entry.event).__name__ for entry in journal.load_log(ExecutionId(execution_id))]


def lines_of(execution_id: str) -> list[str]:
    """Return what an execution logged."""
    return [line.message for line in LogLine.objects.filter(execution_id=execution_id).order_by("id")]


def keeps_backtraces(endpoint: str) -> bool:
    """Tell whether the endpoint that is served keeps the places of its calls."""
    served = webhook_host().endpoint(endpoint)
    return served is not None and served.mount.keeps_backtraces
