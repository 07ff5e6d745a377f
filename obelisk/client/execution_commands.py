"""``obelisk execution``: start executions and look at them."""

from __future__ import annotations

import base64
import json
from typing import Any

import click

from obelisk.client.command import FAILED, INTERRUPTED, Client, with_client
from obelisk.client.completion import complete_executions, complete_functions
from obelisk.client.following import wait_for_result
from obelisk.client.names import full_name
from obelisk.client.params import read_params
from obelisk.client.states import describe_result, describe_state, is_ok, kind_of

_SEPARATE = "are_separate"


@click.group("execution")
def execution_group() -> None:
    """Start, follow and steer executions."""


class _SubmitCommand(click.Command):
    """Tells whether the parameters stood behind ``--``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_SEPARATE] = "--" in args
        return super().parse_args(ctx, args)


@execution_group.command("submit", cls=_SubmitCommand)
@click.argument("function", shell_complete=complete_functions)
@click.argument("params", nargs=-1)
@click.option("--execution-id", "-e", metavar="ID", help="Use this id; the same call under it again changes nothing.")
@click.option("--follow", "-f", is_flag=True, help="Wait for the result and print it.")
@click.option("--no-reconnect", is_flag=True, help="With --follow: give up when the connection breaks off.")
@click.option("--paused", is_flag=True, help="Create it paused; `execution unpause` or `execution advance` moves it.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Label the execution; repeatable.")
@with_client
def submit(
    client: Client,
    function: str,
    params: tuple[str, ...],
    execution_id: str | None,
    labels: tuple[str, ...],
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
    are_separate = click.get_current_context().meta[_SEPARATE]
    body: dict[str, Any] = {
        "ffqn": full_name(client.api, function),
        "params": read_params(params, are_separate=are_separate),
    }
    if paused:
        body["paused"] = True
    if labels:
        body["labels"] = dict(_read_label(label) for label in labels)
    # With an id that is ours, a request that is sent twice starts one execution.
    execution_id = execution_id or client.api.get("execution-id")
    client.api.put("executions", execution_id, body=body)
    if not follow:
        if client.out.as_json:
            client.out.document({"execution_id": execution_id})
        else:
            client.out.line(execution_id)
        return
    if not client.out.as_json:
        client.out.note(execution_id)
    _follow(client, execution_id, reconnect=not no_reconnect)


def _read_label(label: str) -> tuple[str, str]:
    name, equals, value = label.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{label} is not NAME=VALUE", param_hint="--label")
    return name, value


def _follow(client: Client, execution_id: str, *, reconnect: bool) -> None:
    try:
        retval = wait_for_result(client, execution_id, reconnect=reconnect)
    except KeyboardInterrupt as interrupt:
        client.out.fail(f"{execution_id} goes on; `obelisk execution get {execution_id}` shows it")
        raise SystemExit(INTERRUPTED) from interrupt
    _show_result(client, {"execution_id": execution_id, "result": retval}, retval)


def _show_result(client: Client, document: Any, retval: Any) -> None:
    if client.out.as_json:
        client.out.document(document)
    else:
        client.out.line(describe_result(retval), None if is_ok(retval) else "error")
    if not is_ok(retval):
        raise SystemExit(FAILED)


@execution_group.command("list")
@click.option("--ffqn", metavar="PREFIX", help="Only functions whose full name begins so.")
@click.option("--execution-id", "-e", metavar="PREFIX", help="Only ids that begin so.")
@click.option("--status", multiple=True, metavar="STATE", help="Only executions in this state; repeatable.")
@click.option("--label", multiple=True, metavar="NAME:VALUE", help="Only executions with this label; repeatable.")
@click.option("--show-derived", is_flag=True, help="Also executions that workflows submitted.")
@click.option("--hide-finished", is_flag=True, help="Only executions that have not ended.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Most executions to show.")
@with_client
def list_executions(client: Client, ffqn: str | None, execution_id: str | None, limit: int, **filters: Any) -> None:
    """List executions, newest first."""
    found = client.api.get(
        "executions",
        ffqn_prefix=ffqn,
        execution_id_prefix=execution_id,
        length=limit,
        **{name: value or None for name, value in filters.items()},
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


def _id_argument(command: Any) -> Any:
    return click.argument("execution_id", metavar="ID", shell_complete=complete_executions)(command)


@execution_group.command("get")
@_id_argument
@click.option("--follow", "-f", is_flag=True, help="Wait for the result.")
@with_client
def get(client: Client, execution_id: str, *, follow: bool) -> None:
    """Show an execution: what it is, what it does or why it does not move, and its result."""
    status = client.api.get("executions", execution_id, "status")
    is_finished = status["pending_state"]["status"] == "finished"
    if client.out.as_json:
        document = dict(status)
        if is_finished or follow:
            document["result"] = wait_for_result(client, execution_id, reconnect=True)
        client.out.document(document)
        return
    for name in ("execution_id", "ffqn", "created_at", "component_digest", "deployment_id"):
        client.out.line(f"{name:18}{status[name]}")
    for name, value in (status.get("labels") or {}).items():
        client.out.line(f"{'label':18}{name}={value}")
    client.out.line(f"{'state':18}{describe_state(status['pending_state'])}", kind_of(status["pending_state"]))
    if why := status.get("explanation"):
        client.out.line(f"{'why':18}{why}")
    if is_finished or follow:
        _follow(client, execution_id, reconnect=True)


@execution_group.command("status")
@_id_argument
@with_client
def status(client: Client, execution_id: str) -> None:
    """Print an execution's state in one line."""
    document = client.api.get("executions", execution_id, "status")
    if client.out.as_json:
        client.out.document(document)
    else:
        state = document["pending_state"]
        client.out.line(describe_state(state), kind_of(state))


@execution_group.command("result")
@_id_argument
@click.option("--follow", "-f", is_flag=True, help="Wait until it has ended.")
@click.option("--no-reconnect", is_flag=True, help="With --follow: give up when the connection breaks off.")
@with_client
def result(client: Client, execution_id: str, *, follow: bool, no_reconnect: bool) -> None:
    """Print an execution's result; the exit status tells success (0) from failure (1)."""
    if follow:
        _follow(client, execution_id, reconnect=not no_reconnect)
    else:
        retval = client.api.get("executions", execution_id)
        _show_result(client, retval, retval)


@execution_group.command("events")
@_id_argument
@click.option("--from", "start", type=click.IntRange(0), metavar="VERSION", help="First event; default: the newest.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Most events to show.")
@with_client
def events(client: Client, execution_id: str, start: int | None, limit: int) -> None:
    """Show an execution's event log."""
    page = client.api.get(
        "executions", execution_id, "events", **_page(start, limit, cursor="version"), include_backtrace_id=None
    )
    if client.out.as_json:
        client.out.document(page)
        return
    entries = sorted(page["events"], key=lambda entry: entry["version"])
    client.out.table(
        ["#", "AT", "EVENT"],
        ([str(entry["version"]), entry["created_at"], _compact(entry["event"])] for entry in entries),
    )


@execution_group.command("responses")
@_id_argument
@click.option("--from", "start", type=click.IntRange(0), metavar="CURSOR", help="First response; default: the newest.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Most responses to show.")
@with_client
def responses(client: Client, execution_id: str, start: int | None, limit: int) -> None:
    """Show what came back to an execution's join sets, in order of arrival."""
    page = client.api.get("executions", execution_id, "responses", **_page(start, limit, cursor="cursor"))
    if client.out.as_json:
        client.out.document(page)
        return
    entries = sorted(page["responses"], key=lambda entry: entry["cursor"])
    client.out.table(
        ["#", "AT", "RESPONSE"],
        ([str(entry["cursor"]), entry["event"]["created_at"], _compact(entry["event"]["event"])] for entry in entries),
    )


def _page(start: int | None, limit: int, *, cursor: str) -> dict[str, Any]:
    """Return the query for a page: from a place on, or the newest."""
    if start is None:
        return {"length": limit, "direction": "older"}
    return {"length": limit, "direction": "newer", cursor: start, "including_cursor": True}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@execution_group.command("logs")
@_id_argument
@click.option("--show-derived", is_flag=True, help="Also of executions that it submitted.")
@click.option("--level", multiple=True, type=click.Choice(["trace", "debug", "info", "warn", "error"]))
@click.option("--stream-type", multiple=True, type=click.Choice(["stdout", "stderr"]))
@click.option("--show-run-id", is_flag=True, help="Tell in which run a line was written.")
@click.option("--after", metavar="TIME", help="Only lines after this moment (RFC 3339).")
@click.option("--limit", type=click.IntRange(1, 200), default=200, show_default=True, help="Most lines to show.")
@with_client
def logs(client: Client, execution_id: str, limit: int, *, show_run_id: bool, **filters: Any) -> None:
    """Show what an execution's code logged and printed, oldest first."""
    lines = client.api.get(
        "executions",
        execution_id,
        "logs",
        length=limit,
        show_run_id=show_run_id,
        **{name: value or None for name, value in filters.items()},
    )
    if client.out.as_json:
        client.out.document(lines)
        return
    for line in lines:
        kind = line["level"] if line["type"] == "log" else line["stream_type"]
        text = line["message"] if line["type"] == "log" else _decode(line["payload"])
        run = f" {line['run_id']}" if show_run_id else ""
        client.out.line(f"{line['created_at']} {kind:6}{run} {text}".rstrip(), kind)


def _decode(payload: str) -> str:
    return base64.b64decode(payload).decode(errors="replace")


_reason_option = click.option("--reason", help="Why; the server keeps it with who asked and when.")


@execution_group.command("stub")
@_id_argument
@click.argument("value")
@_reason_option
@with_client
def stub(client: Client, execution_id: str, value: str, reason: str | None) -> None:
    """Answer a stub or external execution with VALUE: '{"ok": ...}' or '{"err": ...}', or @FILE."""
    (retval,) = read_params([value], are_separate=True)
    _show_message(client, client.api.put("executions", execution_id, "stub", body=retval, reason=reason))


@execution_group.command("cancel")
@_id_argument
@_reason_option
@with_client
def cancel(client: Client, execution_id: str, reason: str | None) -> None:
    """Cancel an execution or a delay."""
    _show_message(client, client.api.put(*_resource(execution_id), "cancel", reason=reason))


@execution_group.command("pause")
@_id_argument
@_reason_option
@with_client
def pause(client: Client, execution_id: str, reason: str | None) -> None:
    """Pause an execution or a delay."""
    _show_message(client, client.api.put(*_resource(execution_id), "pause", reason=reason))


@execution_group.command("unpause")
@_id_argument
@_reason_option
@with_client
def unpause(client: Client, execution_id: str, reason: str | None) -> None:
    """Let a paused execution or delay go on."""
    _show_message(client, client.api.put(*_resource(execution_id), "unpause", reason=reason))


def _resource(some_id: str) -> tuple[str, str]:
    return ("delays" if some_id.startswith("Delay_") else "executions"), some_id


def _show_message(client: Client, reply: Any) -> None:
    if client.out.as_json:
        client.out.document(reply)
    else:
        client.out.line(str(reply.get("ok", reply)) if isinstance(reply, dict) else str(reply))
