"""``obelisk execution signal|query|fork|retry``: what this server offers beyond Obelisk's verbs."""

from __future__ import annotations

from typing import Any

import click

from obelisk.client.arguments import Pair, execution_argument
from obelisk.client.command import Client, with_client
from obelisk.client.execution_commands import execution_group
from obelisk.client.params import ParamsCommand, given_params, read_value


@execution_group.command("signal")
@execution_argument
@click.argument("name")
@click.argument("payload", default="null")
@click.option("--signal-id", metavar="TEXT", help="Of the sender's; the same one counts once.")
@with_client
def signal(client: Client, execution_id: str, name: str, payload: str, signal_id: str | None) -> None:
    """Send the signal NAME to a workflow.

    PAYLOAD is what its call returns, as JSON or @FILE.
    """
    body: dict[str, Any] = {"name": name, "payload": read_value(payload)}
    if signal_id is not None:
        body["signal_id"] = signal_id
    client.out.message(client.api.post("executions", execution_id, "signals", body=body))


@execution_group.command("query", cls=ParamsCommand)
@execution_argument
@click.argument("name")
@click.argument("params", nargs=-1)
@with_client
def query(client: Client, execution_id: str, name: str, params: tuple[str, ...]) -> None:
    """Ask a workflow by the query NAME of its file.

    PARAMS is one JSON array, @FILE for one in a file, or several values behind --, each JSON or @FILE.
    """
    body = {"name": name, "params": given_params(params)}
    client.out.document(client.api.post("executions", execution_id, "query", body=body)["ok"])


@execution_group.command("fork")
@execution_argument
@click.option("--from", "version", type=click.IntRange(0), required=True, help="The last event that is kept.")
@click.option("--params", metavar="JSON", help="Other parameters: a JSON array, or @FILE.")
@click.option(
    "--result",
    "results",
    multiple=True,
    type=Pair("ID=JSON"),
    help="Another result of a child, such as 'E_...={\"ok\": 1}'; repeatable.",
)
@click.option("--component-digest", metavar="DIGEST", help="The version of the component to run it.")
@click.option("--paused", is_flag=True, help="Begin paused.")
@click.option("--dry-run", is_flag=True, help="Only tell what it would do, with recorded answers.")
@with_client
def fork(
    client: Client,
    execution_id: str,
    version: int,
    params: str | None,
    results: tuple[tuple[str, str], ...],
    component_digest: str | None,
    *,
    paused: bool,
    dry_run: bool,
) -> None:
    """Start a new execution from an event of a workflow."""
    body: dict[str, Any] = {"version": version, "paused": paused, "dry_run": dry_run}
    if params is not None:
        body["params"] = read_value(params)
    if results:
        body["results"] = {child: read_value(value) for child, value in results}
    if component_digest is not None:
        body["component_digest"] = component_digest
    answer = client.api.post("executions", execution_id, "fork", body=body)
    if dry_run:
        client.out.document(answer)
    else:
        client.out.message(answer)


@execution_group.command("retry")
@execution_argument
@with_client
def retry(client: Client, execution_id: str) -> None:
    """Start what failed once more.

    With the same parameters and labels; prints the new id.
    """
    client.out.message(client.api.post("executions", execution_id, "retry"))
