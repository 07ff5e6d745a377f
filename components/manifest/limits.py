"""The ``limits`` table of a component: what its runs may use up. It is ours; Obelisk has server-wide limits only."""

from __future__ import annotations

from components.manifest.table_reader import TableReader
from engine.deployment.limits import MIB, OPERATORS, ComponentLimits

_MAX_FUEL = (1 << 63) - 1
_MAX_BYTES = 64 * MIB


def read_limits(reader: TableReader) -> ComponentLimits:
    """Read the table; what it leaves out is the operator's."""
    table = reader.table("limits")
    if table is None:
        return OPERATORS
    memory_mib = _read(table, "memory_mib", maximum=4096)
    limits = ComponentLimits(
        memory_bytes=None if memory_mib is None else memory_mib * MIB,
        fuel=_read(table, "fuel", maximum=_MAX_FUEL),
        output_bytes=_read(table, "output_bytes", maximum=_MAX_BYTES, minimum=0),
        log_lines=_read(table, "log_lines", maximum=1_000_000, minimum=0),
        params_bytes=_read(table, "params_bytes", maximum=_MAX_BYTES),
        result_bytes=_read(table, "result_bytes", maximum=_MAX_BYTES),
    )
    table.refuse_unknown_keys()
    return limits


def _read(table: TableReader, key: str, *, maximum: int, minimum: int = 1) -> int | None:
    return table.integer(key, default=1, minimum=minimum, maximum=maximum) if table.has(key) else None
