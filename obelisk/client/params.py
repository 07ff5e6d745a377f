"""Parameters as people type them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from obelisk.client.api import ClientError

_ARE_SEPARATE = "are_separate"
_WORDS = re.compile(r"""[^\[{"'\n][^"'\n]*""")
"""What may have been meant as a string."""


class ParamsCommand(click.Command):
    """A command with an argument ``PARAMS...``, which remembers whether ``--`` stood before them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command.parse_args`, which drops the ``--``."""
        ctx.meta[_ARE_SEPARATE] = "--" in args
        return super().parse_args(ctx, args)


def given_params(values: Sequence[str]) -> list[Any]:
    """Return the parameters of a `ParamsCommand`.

    Args:
        values: What stood on the command line.

    Raises:
        ClientError: As `read_params` does.
    """
    return read_params(values, are_separate=click.get_current_context().meta[_ARE_SEPARATE])


def read_params(values: Sequence[str], *, are_separate: bool) -> list[Any]:
    """Return a call's parameters.

    Args:
        values: One JSON array (``@FILE`` names a file that holds it), or a value each; nothing means no parameters.
        are_separate: Whether each value is one parameter, even a single one.

    Raises:
        ClientError: If a value is no JSON, or a single one no array.
    """
    if len(values) != 1 or are_separate:
        return [read_value(value) for value in values]
    params = read_value(values[0])
    if not isinstance(params, list):
        raise ClientError(f"the parameters must be one JSON array, such as '[{values[0]}]', or several values after --")
    return params


def read_value(text: str) -> Any:
    """Return a JSON value, or the content of the JSON file ``@FILE``.

    Raises:
        ClientError: If it is none.
    """
    what = text
    if text.startswith("@"):
        what = text[1:]
        try:
            text = Path(what).read_text("utf-8")
        except OSError as error:
            raise ClientError(f"{what}: {error.strerror}") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        hint = f""" (a string is written '"{text}"')""" if _WORDS.fullmatch(text) else ""
        raise ClientError(f"{what} is not JSON: {error}{hint}") from error
