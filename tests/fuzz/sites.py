"""What hostile requests are sent to: the ASGI application in this process, a database, an executor and wasmtime."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from django.core.asgi import get_asgi_application
from django.db import connection
from django.test.utils import override_settings

from components.services import deploy
from executions.access.scopes import Scope
from executions.access.tokens import issue_token
from executions.hosting import ExecutorHost
from executions.journal.journal import SqlJournal
from executions.operations.submitting import submit
from tests.components_app.builders import TEST_COMPONENTS
from tests.fuzz.changes import ChangeCounter
from tests.fuzz.messages import TOKEN, Request
from tests.fuzz.requests import FAILED, FINISHED, PAUSED, PROVIDERS, SECRET, WAITING
from tests.harness.asgi_client import exchange_of
from tests.harness.components import ADD, ASK_AND_WAIT, PROBE
from tests.harness.eventually import eventually
from webhooks.application import WebhookApplication
from webhooks.host import stop_webhook_host

SECRET_VARIABLE: Final = "FUZZ_SECRET"
_GONE_AFTER_S: Final = 15.0
"""How long the client of a stream that never ends stays."""
_VERIFY: Final = {
    "hmac": ', header = "X-Seal", delivery_header = "X-Delivery"',
    **dict.fromkeys(("stripe", "slack", "standard-webhooks"), ", tolerance = { hours = 876000 }"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Args:
        status: 0 if nothing did.
        headers: By lower-case name.
        body: All of it.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def code(self) -> str | None:
        """The code of a problem document; ``None`` if it is none."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        try:
            return str(json.loads(self.body)["code"])
        except (ValueError, KeyError, TypeError):
            return None


def write_site(folder: Path) -> Path:
    """Write the deployment that fuzzing runs against, and the operator's file; return the former's path."""
    folder.mkdir(parents=True, exist_ok=True)
    components = TEST_COMPONENTS.parent
    (folder / "server.toml").write_text(f'[secrets]\nHOOKS = {{ env = "{SECRET_VARIABLE}" }}\n')
    toml = TEST_COMPONENTS.read_text()
    for name in ("probe", "stepper", "stubs", "doorman"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / f"{name}.wasm").write_bytes((components / name / f"{name}.wasm").read_bytes())
    for provider in ("", *PROVIDERS):
        verify = f'verify = {{ provider = "{provider}", secret = "HOOKS"{_VERIFY.get(provider, "")} }}\n'
        toml += (
            f'\n[[webhook_endpoint_wasm]]\nname = "doorman_{provider.replace("-", "_")}"\n'
            f'location = "doorman/doorman.wasm"\nroutes = ["/{provider or "do"}/:op", "/{provider or "do"}/:op/:id"]\n'
            f"{verify if provider else ''}request.timeout = {{ seconds = 5 }}\n"
        )
    path = folder / "deployment.toml"
    path.write_text(toml)
    return path


@contextmanager
def site_in_process(folder: Path) -> Iterator[SiteInProcess]:
    """Deploy, start an executor, and give what takes requests; needs a migrated database.

    Args:
        folder: Where files of the site may lie.
    """
    os.environ[SECRET_VARIABLE] = SECRET
    file = write_site(folder)
    with override_settings(
        OBELISK_SERVER_CONFIG=str(folder / "server.toml"), OBELISK_API_RATE=0, ALLOWED_HOSTS=["*"], DEBUG=False
    ):
        deploy(file)
        host = ExecutorHost()
        changes = ChangeCounter(connection)
        try:
            host.start()
            _submit_what_cases_name()
            changes.start()
            yield SiteInProcess(changes)
        finally:
            stop_webhook_host()
            host.stop()
            changes.stop()


def _submit_what_cases_name() -> None:
    journal = SqlJournal.for_current_connection()
    submit(ADD, [1, 2], execution_id=FINISHED)
    submit(f"{PROBE}.fail-string", ["no"], execution_id=FAILED)
    submit(ASK_AND_WAIT, ["q"], execution_id=WAITING)
    submit(ADD, [3, 4], execution_id=PAUSED, paused=True)
    eventually(lambda: all(journal.state_of(finished).is_finished for finished in (FINISHED, FAILED)), within_s=60)


class SiteInProcess:
    """Takes requests without a server between.

    Args:
        changes: Counts what they change.
    """

    def __init__(self, changes: ChangeCounter) -> None:
        self.changes = changes
        self._application = WebhookApplication(get_asgi_application())
        self._token = issue_token("fuzzing", tuple(Scope))[1].encode()

    def send(self, request: Request) -> Answer:
        """Send a request and return its answer."""
        reply = exchange_of(self._application, self._scope(request), [request.body], gone_after_s=_GONE_AFTER_S).reply
        return Answer(
            status=reply.status, headers={name.lower(): value for name, value in reply.headers}, body=reply.body
        )

    def _scope(self, request: Request) -> dict[str, Any]:
        path, _, query = request.target.partition(b"?")
        headers = [(name.lower(), value.replace(TOKEN, b"Bearer " + self._token)) for name, value in request.headers]
        headers.append((b"content-length", b"%d" % len(request.body)))
        return {
            "type": "http",
            "http_version": "1.1",
            "method": request.method.decode("latin-1"),
            # As daphne has it: undecodable bytes do not get further than the server.
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": query,
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "headers": [(b"host", b"obelisk.test"), *headers],
        }
