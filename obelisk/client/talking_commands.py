"""``obelisk execution signal|query|fork|retry``: what this server offers beyond Obelisk's verbs."""

from __future__ import annotations

from typing import Any

import click

from obelisk.client.command import Client, with_client
from obelisk.client.completion import complete_executions
from obelisk.client.execution_commands import execution_group
from obelisk.client.params import read_params, read_value

_id = click.argument("execution_id", metavar="ID", shell_complete=complete_executions)


@execution_group.command("signal")
@_id
@click.argument("name")
@click.argument("payload", default="null")
@click.option("--signal-id", metavar="TEXT", help="Of the sender's; the same one counts once.")
@with_client
def signal(client: Client, execution_id: str, name: str, payload: str, signal_id: str | None) -> None:
    """Send the signal NAME to a workflow; PAYLOAD is what its call returns, as JSON or @FILE."""
    body: dict[str, Any] = {"name": name, "payload": read_value(payload)}
    if signal_id is not None:
        body["signal_id"] = signal_id
    _show(client, client.api.post("executions", execution_id, "signals", body=body))


@execution_group.command("query")
@_id
@click.argument("name")
@click.argument("params", nargs=-1)
@with_client
def query(client: Client, execution_id: str, name: str, params: tuple[str, ...]) -> None:
    """Ask a workflow by the query NAME of its file; PARAMS as for `execution submit`."""
    body = {"name": name, "params": read_params(params, are_separate=False)}
    client.out.document(client.api.post("executions", execution_id, "query", body=body)["ok"])


@execution_group.command("fork")
@_id
@click.option("--from", "version", type=click.IntRange(0), required=True, help="The last event that is kept.")
@click.option("--params", metavar="JSON", help="Other parameters: a JSON array, or @FILE.")
@click.option("--result", "results", multiple=True, metavar="ID=JSON", help="Another result of a child; repeatable.")
@click.option("--component-digest", metavar="DIGEST", help="The version of the component to run it.")
@click.option("--paused", is_flag=True, help="Begin paused.")
@click.option("--dry-run", is_flag=True, help="Only tell what it would do, with recorded answers.")
@with_client
def fork(
    client: Client,
    execution_id: str,
    version: int,
    params: str | None,
    results: tuple[str, ...],
    component_digest: str | None,
    *,
    paused: bool,
    dry_run: bool,
) -> None:
    """Start a new execution from an event of a workflow's log."""
    body: dict[str, Any] = {"version": version, "paused": paused, "dry_run": dry_run}
    if params is not None:
        body["params"] = read_value(params)
    if results:
        body["results"] = dict(_read_result(result) for result in results)
    if component_digest is not None:
        body["component_digest"] = component_digest
    answer = client.api.post("executions", execution_id, "fork", body=body)
    if dry_run:
        client.out.document(answer)
    else:
        _show(client, answer)


def _read_result(result: str) -> tuple[str, Any]:
    child, equals, value = result.partition("=")
    if not equals:
        raise click.BadParameter(f"{result} is not ID=JSON, such as 'E_...='{{\"ok\": 1}}", param_hint="--result")
    return child, read_value(value)


@execution_group.command("retry")
@_id
@with_client
def retry(client: Client, execution_id: str) -> None:
    """Start what failed once more, with the same parameters and labels; prints the new id."""
    _show(client, client.api.post("executions", execution_id, "retry"))


def _show(client: Client, answer: Any) -> None:
    if client.out.as_json:
        client.out.document(answer)
    else:
        client.out.line(str(answer["ok"]))
