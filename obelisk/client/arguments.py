"""Arguments that several commands take."""

from __future__ import annotations

from typing import Any

import click

from obelisk.client.completion import complete_deployments, complete_executions
from obelisk.client.ids import DELAY_PREFIX, DEPLOYMENT_PREFIX, EXECUTION_PREFIX

_MOST = 1000
"""Of a page; the server gives no more."""


class _Id(click.ParamType[str]):
    """An id of some kind; whether there is such a thing is the server's to say."""

    name = "id"

    def __init__(self, *prefixes: str) -> None:
        self._prefixes = prefixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value.startswith(self._prefixes):
            self.fail(f"{value!r} is not such an id: it begins with {' or '.join(self._prefixes)}", param, ctx)
        return str(value)


class Pair(click.ParamType[tuple[str, str]]):
    """Two texts with an equals sign between them.

    Args:
        form: What messages and help call it, such as ``NAME=VALUE``.
    """

    def __init__(self, form: str) -> None:
        self.name = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return what stands before and behind the first equals sign."""
        name, equals, content = value.partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not {self.name}", param, ctx)
        return name, content


DEPLOYMENT_ID = _Id(DEPLOYMENT_PREFIX)

execution_argument = click.argument(
    "execution_id", metavar="ID", type=_Id(EXECUTION_PREFIX), shell_complete=complete_executions
)
execution_or_delay_argument = click.argument(
    "some_id", metavar="ID", type=_Id(EXECUTION_PREFIX, DELAY_PREFIX), shell_complete=complete_executions
)
deployment_argument = click.argument(
    "deployment_id", metavar="ID", type=DEPLOYMENT_ID, shell_complete=complete_deployments
)
limit_option = click.option(
    "--limit", type=click.IntRange(1, _MOST), default=20, show_default=True, metavar="N", help="Most to show."
)
