"""Waiting for an execution, with a live picture of what it waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from obelisk.client.api import ClientError
from obelisk.client.command import Client
from obelisk.client.output import STYLES
from obelisk.client.reconnecting import ask_patiently
from obelisk.client.states import describe_state, kind_of

_EVERY_S = 0.5
_EVERY_WITHOUT_TERMINAL_S = 5.0
_MOST_SHOWN = 200
_MOST_FINISHED = 5
_PATIENCE_S = 2.0
"""Of who draws: whoever ends the program waits for it."""


def wait_for_result(client: Client, execution_id: str, *, reconnect: bool) -> Any:
    """Return an execution's return value once it has ended; meanwhile show what runs, on standard error.

    Args:
        client: The connection.
        execution_id: Which one.
        reconnect: Whether a connection that breaks off is made anew.

    Raises:
        ClientError: If the server refuses, or the connection is lost for good.
    """
    try:
        with _Picture(client, execution_id):
            return ask_patiently(lambda: client.api.wait("executions", execution_id), client.out, reconnect=reconnect)
    except KeyboardInterrupt:
        client.out.note(f"{execution_id} goes on; `obelisk execution get {execution_id}` shows it")
        raise


def follow_states(client: Client, execution_id: str, *, reconnect: bool) -> Iterator[dict[str, Any]]:
    """Yield what the server says about an execution now and whenever its state has changed, until it has ended.

    Arguments and errors as for `wait_for_result`.
    """
    shown = None
    while True:
        document = ask_patiently(
            lambda: client.api.get("executions", execution_id, "status"), client.out, reconnect=reconnect
        )
        # A lock that was extended is no news.
        if (described := describe_state(document["pending_state"])) != shown:
            shown = described
            yield document
        if document["pending_state"]["status"] == "finished":
            return
        time.sleep(_EVERY_S)


class _Picture:
    """Shows an execution and its descendants while somebody waits for it; its thread looks now and then."""

    def __init__(self, client: Client, execution_id: str) -> None:
        self._client = client
        self._api = client.api.another(patience_s=_PATIENCE_S)
        self._execution_id = execution_id
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="picture", daemon=True)
        self._started = time.monotonic()

    def __enter__(self) -> None:
        if not self._client.out.as_json:
            self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        with self._api:
            self._show()

    def _show(self) -> None:
        console = self._client.out.errors
        if not console.is_interactive:
            self._write_lines()
            return
        # Something that ends at once is not worth a picture.
        if self._is_over.wait(_EVERY_S):
            return
        with Live(console=console, transient=True, refresh_per_second=4) as live:
            while True:
                if executions := self._look():
                    live.update(draw(executions, time.monotonic() - self._started))
                if self._is_over.wait(_EVERY_S):
                    return

    def _write_lines(self) -> None:
        while not self._is_over.wait(_EVERY_WITHOUT_TERMINAL_S):
            if executions := self._look():
                finished = sum(each["pending_state"]["status"] == "finished" for each in executions[1:])
                self._client.out.note(
                    f"{describe_state(executions[0]['pending_state'])}: {finished} of {len(executions) - 1} "
                    f"children finished, {time.monotonic() - self._started:.0f} s"
                )

    def _look(self) -> list[dict[str, Any]]:
        """Return the execution and its newest descendants, parents first; empty while the server says nothing."""
        try:
            found: list[dict[str, Any]] = self._api.get(
                "executions", execution_id_prefix=self._execution_id, show_derived=True, length=_MOST_SHOWN
            )
        except ClientError:
            return []
        if not any(each["execution_id"] == self._execution_id for each in found):
            # It has more descendants than a page holds.
            try:
                found.append(self._api.get("executions", self._execution_id, "status"))
            except ClientError:
                return []
        return sorted(found, key=lambda each: (each["execution_id"].count("."), each["created_at"]))


def draw(executions: list[dict[str, Any]], seconds: float) -> Tree:
    """Return the tree of an execution: what goes on, and of what ended the newest few.

    Args:
        executions: The root first, parents before their children.
        seconds: How long somebody has been waiting.
    """
    root = executions[0]
    trees = {root["execution_id"]: Tree(_line(root, root["execution_id"]))}
    trees[root["execution_id"]].label = Text.assemble(_line(root, root["execution_id"]), f"  {seconds:.0f} s")
    finished = [each for each in executions[1:] if each["pending_state"]["status"] == "finished"]
    hidden = {each["execution_id"] for each in finished[:-_MOST_FINISHED]}
    for each in executions[1:]:
        parent, _, own = each["execution_id"].rpartition(".")
        if each["execution_id"] in hidden or parent not in trees:
            continue
        trees[each["execution_id"]] = trees[parent].add(_line(each, own))
    if hidden:
        # Of a full page nobody knows how many there are behind it.
        count = f"{len(hidden)} " if len(executions) < _MOST_SHOWN else ""
        trees[root["execution_id"]].add(Text(f"and {count}more that finished", style="dim"))
    return trees[root["execution_id"]]


def _line(execution: dict[str, Any], name: str) -> Text:
    state = execution["pending_state"]
    style = STYLES[kind_of(state)]
    function = execution["ffqn"].rpartition("/")[2]
    return Text.assemble((describe_state(state), style), "  ", function, "  ", (name, "dim"))
