"""Completion in the shell: names and ids are asked of the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from obelisk.client.api import DEFAULT_URL, Api, ClientError
from obelisk.client.ids import DEPLOYMENT_PREFIX
from obelisk.client.names import ABBREVIATION, deployed_names
from obelisk.client.states import describe_state

_MOST = 50
_PATIENCE_S = 3.0
"""Whoever pressed the key waits."""


def complete_functions(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return the deployed functions that begin with what was typed, also shortened where only one fits."""
    names = _ask(context, deployed_names)
    if typed.startswith(ABBREVIATION):
        shortened = Counter(ABBREVIATION + name.rpartition("/")[2] for name in names)
        names = [name for name, fitting in shortened.items() if fitting == 1]
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


def complete_deployments(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return the newest deployments whose id begins with what was typed."""
    found = _ask(context, lambda api: api.get("deployments", length=_MOST))
    return [
        CompletionItem(each["deployment_id"], help=f"{each['status']} {each.get('description') or ''}".rstrip())
        for each in found
        if each["deployment_id"].startswith(typed)
    ]


def complete_sources(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return deployments where an id was begun, else have the shell complete names of files."""
    if typed.startswith(DEPLOYMENT_PREFIX):
        return complete_deployments(context, parameter, typed)
    return [CompletionItem(typed, type="file")]


def complete_components(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return the deployed components whose name begins with what was typed."""
    names = _ask(context, lambda api: [each["component_id"]["name"] for each in api.get("components")])
    return [CompletionItem(name) for name in names if name.startswith(typed)]


def _ask(context: click.Context, question: Callable[[Api], list[Any]]) -> list[Any]:
    try:
        url, token = context.params.get("api_url") or DEFAULT_URL, context.params.get("api_token")
        with Api(url, token, patience_s=_PATIENCE_S) as api:
            return question(api)
    except ClientError:
        # There is nothing to show a message on.
        return []
