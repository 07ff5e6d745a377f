"""The stored form of the filter of a batch."""

from __future__ import annotations

from typing import Any

import msgspec

from executions.operations.listing import ExecutionFilter


def encode_filter(wanted: ExecutionFilter) -> dict[str, Any]:
    """Return a filter as JSON data, without what does not matter to it."""
    data: dict[str, Any] = msgspec.to_builtins(wanted)
    return {name: value for name, value in data.items() if value not in (None, False, [], ())}


def decode_filter(data: dict[str, Any]) -> ExecutionFilter:
    """Return the filter that data stands for.

    Raises:
        msgspec.ValidationError: If it was stored by a version that this one cannot read.
    """
    return msgspec.convert(data, ExecutionFilter)
