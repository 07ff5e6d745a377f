"""What every command of the client shares: where the server is, how results are printed, and how it ends."""

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


def with_output(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option ``--json``, and call it with an `Output` as first argument.

    A `ClientError` becomes a sentence and exit status 1, Ctrl-C exit status 130.
    """

    @click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON only.")
    @functools.wraps(command)
    def run(*, as_json: bool, **arguments: Any) -> None:
        out = Output(as_json=as_json)
        try:
            command(out, **arguments)
        except ClientError as error:
            out.fail(str(error))
            raise SystemExit(FAILED) from error
        except KeyboardInterrupt as interrupt:
            raise SystemExit(INTERRUPTED) from interrupt

    return run


def with_client(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the connection and ``--json``, and call it with a `Client` as first argument.

    Errors and Ctrl-C end it as they do with `with_output`.
    """

    @click.option(
        "--api-url", "-a", envvar="OBELISK_API_URL", default=DEFAULT_URL, show_default=True, show_envvar=True,
        metavar="URL", help="Where the server is.",
    )  # fmt: skip
    @click.option(
        "--api-token", envvar=["OBELISK_API_TOKEN", "OBELISK__API__TOKEN"], show_envvar=True, metavar="TOKEN",
        help="Who is asking.",
    )  # fmt: skip
    @functools.wraps(command)
    def run(out: Output, *, api_url: str, api_token: str | None, **arguments: Any) -> None:
        with Api(api_url, api_token) as api:
            command(Client(api, out), **arguments)

    return with_output(run)
