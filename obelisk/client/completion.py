"""Completion in the shell: names and ids are asked of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from obelisk.client.api import DEFAULT_URL, Api, ClientError
from obelisk.client.names import ABBREVIATION, deployed_names
from obelisk.client.states import describe_state

_SHELLS = ("bash", "zsh", "fish")
_MOST = 50


def complete_functions(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return the deployed functions that begin with what was typed, or end so after ``.../``."""
    names = _ask(context, deployed_names)
    if typed.startswith(ABBREVIATION):
        return [
            CompletionItem(ABBREVIATION + tail)
            for name in names
            if (tail := name.rpartition("/")[2]).startswith(typed.removeprefix(ABBREVIATION))
        ]
    return [CompletionItem(name) for name in names if name.startswith(typed)]


def complete_executions(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return the newest executions whose id begins with what was typed."""
    found = _ask(
        context,
        lambda api: api.get("executions", execution_id_prefix=typed or None, show_derived="." in typed, length=_MOST),
    )
    return [
        CompletionItem(each["execution_id"], help=f"{each['ffqn']} {describe_state(each['pending_state'])}")
        for each in found
    ]


def _ask(context: click.Context, question: Callable[[Api], list[Any]]) -> list[Any]:
    try:
        with Api(context.params.get("api_url") or DEFAULT_URL, context.params.get("api_token")) as api:
            return question(api)
    except ClientError:
        # There is nothing to show a message on.
        return []


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion_command(shell: str) -> None:
    """Print the script that completes commands, function names and ids in SHELL.

    For bash: `eval "$(obelisk completion bash)"` in ~/.bashrc.
    """
    root = click.get_current_context().find_root()
    kind = click.shell_completion.get_completion_class(shell)
    assert kind is not None
    click.echo(kind(root.command, {}, "obelisk", "_OBELISK_COMPLETE").source())
