"""``obelisk execution cancel|pause|unpause|stub|exclude|include``: changing what goes on."""

from __future__ import annotations

import click

from obelisk.client.arguments import execution_argument, execution_or_delay_argument
from obelisk.client.command import Client, with_client
from obelisk.client.execution_commands import execution_group
from obelisk.client.ids import DELAY_PREFIX
from obelisk.client.params import read_value

_reason_option = click.option("--reason", help="Why; the server keeps it with who asked and when.")


def _add_verb(verb: str, summary: str) -> None:
    @execution_group.command(verb, help=summary)
    @execution_or_delay_argument
    @_reason_option
    @with_client
    def change(client: Client, some_id: str, reason: str | None) -> None:
        kind = "delays" if some_id.startswith(DELAY_PREFIX) else "executions"
        client.out.message(client.api.put(kind, some_id, verb, reason=reason))


_add_verb("cancel", "Cancel an execution or a delay.")
_add_verb("pause", "Pause an execution or a delay.")
_add_verb("unpause", "Let a paused execution or delay go on.")


@execution_group.command("stub")
@execution_argument
@click.argument("value")
@_reason_option
@with_client
def stub(client: Client, execution_id: str, value: str, reason: str | None) -> None:
    """Answer a stub with VALUE, as '{"ok": 1}' or @FILE."""
    client.out.message(client.api.put("executions", execution_id, "stub", body=read_value(value), reason=reason))


@execution_group.command("exclude")
@execution_argument
@click.argument("deployment")
@_reason_option
@with_client
def exclude(client: Client, execution_id: str, deployment: str, reason: str | None) -> None:
    """Keep DEPLOYMENT from running a workflow."""
    body = {"deployment_id": deployment}
    client.out.message(client.api.put("executions", execution_id, "exclude", body=body, reason=reason))


@execution_group.command("include")
@execution_argument
@_reason_option
@with_client
def include(client: Client, execution_id: str, reason: str | None) -> None:
    """Take an exclude of a workflow back."""
    client.out.message(client.api.put("executions", execution_id, "include", reason=reason))
