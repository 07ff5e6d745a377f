"""What every command of the client shares: where the server is, and how results are printed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from obelisk.client.api import DEFAULT_URL, Api, ClientError
from obelisk.client.output import Output

FAILED = 1
INTERRUPTED = 130
"""What shells expect of a program that Ctrl-C ended."""


@dataclass(frozen=True, slots=True)
class Client:
    """A command's connection and its output."""

    api: Api
    out: Output


def with_client(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the connection, and call it with a `Client` as first argument."""

    @click.option(
        "--api-url", "-a", envvar="OBELISK_API_URL", default=DEFAULT_URL, show_default=True, show_envvar=True,
        metavar="URL", help="Where the server is.",
    )  # fmt: skip
    @click.option(
        "--api-token", envvar=["OBELISK_API_TOKEN", "OBELISK__API__TOKEN"], show_envvar=True, metavar="TOKEN",
        help="Who is asking.",
    )  # fmt: skip
    @click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON only.")
    @functools.wraps(command)
    def run(api_url: str, api_token: str | None, *, as_json: bool, **arguments: Any) -> None:
        out = Output(as_json=as_json)
        try:
            with Api(api_url, api_token) as api:
                command(Client(api, out), **arguments)
        except ClientError as error:
            out.fail(str(error))
            raise SystemExit(FAILED) from error

    return run
