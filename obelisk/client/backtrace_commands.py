"""``obelisk execution backtrace|persist-backtraces``: where in its source a workflow made its calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from obelisk.client.arguments import execution_argument
from obelisk.client.command import Client, with_client
from obelisk.client.execution_commands import execution_group


@execution_group.command("backtrace")
@execution_argument
@click.option(
    "--version", default="last", show_default=True, metavar="N", help="Of the call that wrote event N; first or last."
)
@with_client
def backtrace(client: Client, execution_id: str, version: str) -> None:
    """Show where in its source a workflow made a call.

    The innermost function comes first.
    """
    found = client.api.get("executions", execution_id, "backtrace", version=version)
    if client.out.as_json:
        client.out.document(found)
        return
    for line in _lines(found["wasm_backtrace"]):
        client.out.line(line)


def _lines(stack: dict[str, Any]) -> Iterator[str]:
    for frame in stack["frames"]:
        if not frame["symbols"]:
            yield f"{frame['func_name']} ({frame['module']})"
        for symbol in frame["symbols"]:
            place = [str(part) for part in (symbol["file"], symbol["line"], symbol["col"]) if part is not None]
            yield " ".join([symbol["func_name"] or frame["func_name"], ":".join(place)]).rstrip()


@execution_group.command("persist-backtraces")
@execution_argument
@with_client
def persist_backtraces(client: Client, execution_id: str) -> None:
    """Have it found out where a workflow made its calls.

    A replay without any effect finds what is not known.
    """
    reply = client.api.put("executions", execution_id, "backtrace", "persist")
    if client.out.as_json:
        client.out.document(reply)
    else:
        client.out.line(f"{reply['persisted_backtrace_count']} backtraces are new")
