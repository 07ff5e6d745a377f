"""``obelisk execution logs``: what guests logged and printed."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import click

from obelisk.client.arguments import execution_argument
from obelisk.client.command import Client, with_client
from obelisk.client.execution_commands import execution_group
from obelisk.client.reconnecting import ask_patiently, reconnect_option

_PAGE = 200
_EVERY_S = 0.5
_LATE_S = 1.0
"""Lines are stored in batches, so the last ones may come a little after the end."""


@execution_group.command("logs")
@execution_argument
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written, until the execution has ended.")
@reconnect_option
@click.option("--show-derived", is_flag=True, help="Also of executions that it submitted.")
@click.option(
    "--level",
    multiple=True,
    type=click.Choice(["trace", "debug", "info", "warn", "error"]),
    help="Only log lines of this level; repeatable.",
)
@click.option(
    "--stream-type",
    multiple=True,
    type=click.Choice(["stdout", "stderr"]),
    help="Of what was printed only this stream; repeatable.",
)
@click.option("--show-run-id", is_flag=True, help="Tell in which run a line was written.")
@click.option("--after", metavar="TIME", help="Only lines after this moment, such as 2026-01-31T12:00:00Z.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N lines.")
@with_client
def logs(
    client: Client,
    execution_id: str,
    after: str | None,
    level: tuple[str, ...],
    stream_type: tuple[str, ...],
    limit: int | None,
    *,
    follow: bool,
    no_reconnect: bool,
    show_derived: bool,
    show_run_id: bool,
) -> None:
    """Show what an execution's code logged and printed.

    Oldest first. With --json it is one list, with --follow as well a document a line.
    """
    query = {"after": after, "level": level, "stream_type": stream_type, "show_derived": show_derived}
    entries = islice(_entries(client, execution_id, query, follow=follow, reconnect=follow and not no_reconnect), limit)
    if client.out.as_json and not follow:
        client.out.document(list(entries))
        return
    for entry in entries:
        if client.out.as_json:
            client.out.document_line(entry)
        else:
            _show(client, entry, with_execution=show_derived, with_run=show_run_id)


def _entries(
    client: Client, execution_id: str, query: Mapping[str, Any], *, follow: bool, reconnect: bool
) -> Iterator[dict[str, Any]]:
    def ask(what: str, **parameters: Any) -> Any:
        return ask_patiently(
            lambda: client.api.get("executions", execution_id, what, **parameters), client.out, reconnect=reconnect
        )

    cursor = None
    is_last = not follow
    while True:
        page = ask("logs", length=_PAGE, cursor=cursor, **query)
        yield from page
        if page:
            cursor = page[-1]["cursor"]
        if len(page) == _PAGE:
            continue
        if is_last:
            return
        is_last = ask("status")["pending_state"]["status"] == "finished"
        time.sleep(_LATE_S if is_last else _EVERY_S)


def _show(client: Client, entry: Mapping[str, Any], *, with_execution: bool, with_run: bool) -> None:
    is_log = entry["type"] == "log"
    kind = entry["level"] if is_log else entry["stream_type"]
    text = entry["message"] if is_log else base64.b64decode(entry["payload"]).decode(errors="replace")
    words = [entry["created_at"], f"{kind:6}"]
    words += [entry["run_id"]] if with_run else []
    words += [entry["execution_id"]] if with_execution else []
    client.out.line(" ".join([*words, text]).rstrip(), kind)
