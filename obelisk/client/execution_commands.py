"""``obelisk execution``: look at executions."""

from __future__ import annotations

import json
from typing import Any

import click

from obelisk.client.arguments import Pair, execution_argument, limit_option
from obelisk.client.command import FAILED, Client, with_client
from obelisk.client.completion import complete_executions, complete_functions
from obelisk.client.following import follow_states, wait_for_result
from obelisk.client.names import full_name
from obelisk.client.reconnecting import reconnect_option
from obelisk.client.states import describe_result, describe_state, is_ok, kind_of

_STATES = (
    "pending",
    "scheduled",
    "locked",
    "blocked",
    "paused",
    "cancelling",
    "unfinished",
    "finished",
    "finished_ok",
    "finished_error",
    "finished_execution_failure",
    "finished_failed",
    "finished_cancelled",
)
_STATES_HELP = f"Only in this state: {', '.join(_STATES)}; repeatable."


@click.group("execution")
def execution_group() -> None:
    """Start, follow and steer executions."""


@execution_group.command("list")
@click.option(
    "--ffqn",
    metavar="PREFIX",
    shell_complete=complete_functions,
    help="Only functions whose full name begins so.",
)
@click.option(
    "--execution-id", "-e", metavar="PREFIX", shell_complete=complete_executions, help="Only ids that begin so."
)
@click.option("--status", multiple=True, type=click.Choice(_STATES), metavar="STATE", help=_STATES_HELP)
@click.option("--label", "labels", multiple=True, type=Pair("NAME=VALUE"), help="Only with this label; repeatable.")
@click.option("--show-derived", is_flag=True, help="Also executions that workflows submitted.")
@click.option("--hide-finished", is_flag=True, help="Only executions that have not ended.")
@limit_option
@with_client
def list_executions(
    client: Client,
    ffqn: str | None,
    execution_id: str | None,
    status: tuple[str, ...],
    labels: tuple[tuple[str, str], ...],
    limit: int,
    *,
    show_derived: bool,
    hide_finished: bool,
) -> None:
    """List executions, newest first."""
    found = client.api.get(
        "executions",
        ffqn_prefix=full_name(client.api, ffqn) if ffqn is not None else None,
        execution_id_prefix=execution_id,
        status=status,
        label=[f"{name}:{value}" for name, value in labels],
        show_derived=show_derived,
        hide_finished=hide_finished,
        length=limit,
    )
    if client.out.as_json:
        client.out.document(found)
        return
    client.out.table(
        ["EXECUTION", "STATE", "FUNCTION", "CREATED"],
        (
            [each["execution_id"], describe_state(each["pending_state"]), each["ffqn"], each["created_at"]]
            for each in found
        ),
        styled=1,
    )


@execution_group.command("get")
@execution_argument
@click.option("--follow", "-f", is_flag=True, help="Wait until it has ended; the exit status tells how.")
@reconnect_option
@with_client
def get(client: Client, execution_id: str, *, follow: bool, no_reconnect: bool) -> None:
    """Show an execution: its result, or why it stands still."""
    if follow:
        wait_for_result(client, execution_id, reconnect=not no_reconnect)
    document = client.api.get("executions", execution_id, "status")
    state = document["pending_state"]
    if state["status"] == "finished":
        document["result"] = client.api.get("executions", execution_id)
    if client.out.as_json:
        client.out.document(document)
    else:
        _show(client, document)
    if follow and kind_of(state) == "error":
        raise SystemExit(FAILED)


def _show(client: Client, document: dict[str, Any]) -> None:
    state = document["pending_state"]
    for name in ("execution_id", "ffqn", "created_at", "component_digest", "deployment_id"):
        client.out.line(f"{name:18}{document[name]}")
    for name, value in (document.get("labels") or {}).items():
        client.out.line(f"{'label':18}{name}={value}")
    client.out.line(f"{'state':18}{describe_state(state)}", kind_of(state))
    if why := document.get("explanation"):
        client.out.line(f"{'why':18}{why}")
    if "result" in document:
        client.out.line(describe_result(document["result"]), kind_of(state))


@execution_group.command("status")
@execution_argument
@click.option("--follow", "-f", is_flag=True, help="Tell of every change, until it has ended.")
@reconnect_option
@with_client
def status(client: Client, execution_id: str, *, follow: bool, no_reconnect: bool) -> None:
    """Print an execution's state in one line."""
    if not follow:
        document = client.api.get("executions", execution_id, "status")
        client.out.answer(document, describe_state(document["pending_state"]), kind_of(document["pending_state"]))
        return
    kind = ""
    for document in follow_states(client, execution_id, reconnect=not no_reconnect):
        kind = kind_of(document["pending_state"])
        if client.out.as_json:
            client.out.document_line(document)
        else:
            client.out.line(describe_state(document["pending_state"]), kind)
    if kind == "error":
        raise SystemExit(FAILED)


@execution_group.command("result")
@execution_argument
@click.option("--follow", "-f", is_flag=True, help="Wait until it has ended.")
@reconnect_option
@with_client
def result(client: Client, execution_id: str, *, follow: bool, no_reconnect: bool) -> None:
    """Print an execution's result.

    The exit status tells success (0) from an error of the function or of the execution (1).
    """
    if follow:
        retval = wait_for_result(client, execution_id, reconnect=not no_reconnect)
    else:
        retval = client.api.get("executions", execution_id)
    show_result(client, retval, retval)


def show_result(client: Client, document: Any, retval: Any) -> None:
    """Print how an execution ended, and end so oneself.

    Args:
        client: Where to print it.
        document: What is printed as JSON.
        retval: Its return value.
    """
    client.out.answer(document, describe_result(retval), None if is_ok(retval) else "error")
    if not is_ok(retval):
        raise SystemExit(FAILED)


@execution_group.command("events")
@execution_argument
@click.option("--from", "start", type=click.IntRange(0), metavar="VERSION", help="First event; default: the newest.")
@limit_option
@with_client
def events(client: Client, execution_id: str, start: int | None, limit: int) -> None:
    """Show an execution's event log."""
    page = client.api.get("executions", execution_id, "events", **_page("version", start, limit))
    if client.out.as_json:
        client.out.document(page)
        return
    client.out.table(
        ["#", "AT", "EVENT"],
        ([str(entry["version"]), entry["created_at"], _compact(entry["event"])] for entry in page["events"]),
    )


@execution_group.command("responses")
@execution_argument
@click.option("--from", "start", type=click.IntRange(0), metavar="CURSOR", help="First response; default: the newest.")
@limit_option
@with_client
def responses(client: Client, execution_id: str, start: int | None, limit: int) -> None:
    """Show what came back to an execution's join sets.

    In order of arrival.
    """
    page = client.api.get("executions", execution_id, "responses", **_page("cursor", start, limit))
    if client.out.as_json:
        client.out.document(page)
        return
    entries = ((entry["cursor"], entry["event"]) for entry in page["responses"])
    client.out.table(
        ["#", "AT", "RESPONSE"],
        ([str(cursor), arrived["created_at"], _compact(arrived["event"])] for cursor, arrived in entries),
    )


def _page(cursor: str, start: int | None, limit: int) -> dict[str, Any]:
    """Return the query for a page: from a place on, or the newest."""
    if start is None:
        return {"length": limit, "direction": "older"}
    return {"length": limit, "direction": "newer", cursor: start, "including_cursor": True}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
