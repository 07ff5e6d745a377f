"""``obelisk execution submit``."""

from __future__ import annotations

from typing import Any

import click

from obelisk.client.arguments import Pair
from obelisk.client.command import Client, with_client
from obelisk.client.completion import complete_functions
from obelisk.client.execution_commands import execution_group, show_result
from obelisk.client.following import wait_for_result
from obelisk.client.ids import make_execution_id
from obelisk.client.names import full_name
from obelisk.client.params import ParamsCommand, given_params
from obelisk.client.reconnecting import reconnect_option


@execution_group.command("submit", cls=ParamsCommand)
@click.argument("function", shell_complete=complete_functions)
@click.argument("params", nargs=-1)
@click.option("--execution-id", "-e", metavar="ID", help="Use this id; the same call under it again changes nothing.")
@click.option("--follow", "-f", is_flag=True, help="Wait for the result and print it.")
@reconnect_option
@click.option("--paused", is_flag=True, help="Create it paused; `execution unpause` or `execution advance` moves it.")
@click.option("--label", "labels", multiple=True, type=Pair("NAME=VALUE"), help="Label the execution; repeatable.")
@with_client
def submit(
    client: Client,
    function: str,
    params: tuple[str, ...],
    execution_id: str | None,
    labels: tuple[tuple[str, str], ...],
    *,
    follow: bool,
    no_reconnect: bool,
    paused: bool,
) -> None:
    """Start FUNCTION with PARAMS.

    FUNCTION is a full name, namespace:package/interface.function, or .../interface.function where only one fits.
    PARAMS is one JSON array, @FILE for one in a file, or several values behind --, each JSON or @FILE:

    \b
        obelisk execution submit .../workflow.fiboa '[10, 500]' --follow
        obelisk execution submit .../workflow.fiboa --follow -- 10 500

    With --follow the exit status tells success (0) from an error of the function or of the execution (1).
    """  # noqa: D301  # click wants the backspace itself
    body: dict[str, Any] = {"ffqn": full_name(client.api, function), "params": given_params(params)}
    if paused:
        body["paused"] = True
    if labels:
        body["labels"] = dict(labels)
    # With an id that is ours, a request that is sent twice starts one execution.
    execution_id = execution_id or make_execution_id()
    client.api.put("executions", execution_id, body=body)
    if not follow:
        client.out.answer({"execution_id": execution_id}, execution_id)
        return
    if not client.out.as_json:
        client.out.note(execution_id)
    retval = wait_for_result(client, execution_id, reconnect=not no_reconnect)
    show_result(client, {"execution_id": execution_id, "result": retval}, retval)
