"""``wasi:io/error``: why a stream broke."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import OutboundError
from engine.host.wasi.definition import Definition
from engine.host.wasi.state import WasiContext
from engine.wasm.host_functions import HostResource


@dataclass(frozen=True, slots=True)
class IoError:
    """Why a stream broke.

    Args:
        message: For people.
        outbound: What ``wasi:http`` makes of it.
    """

    message: str
    outbound: OutboundError | None = None


def _drop(context: WasiContext, number: int) -> None:
    context.wasi.table.drop(number)


ERROR = HostResource(name="error", drop=_drop)
"""The resource type, which other interfaces use."""

_error = Definition("error.to-debug-string() -> string", resources={"error": ERROR})


@_error.call("error.to-debug-string")
def _to_debug_string(context: WasiContext, this: int) -> str:
    return context.wasi.table.get(this, IoError).message


ERROR_INTERFACE = _error.finish()
