"""What a run may use up. The operator sets the most that any component may have; a deployment may set less for one."""

from __future__ import annotations

from dataclasses import dataclass, fields

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentLimits:
    """The limits of one component; ``None`` takes the operator's.

    Args:
        memory_bytes: Size of each of a run's linear memories.
        fuel: Instructions of one run.
        output_bytes: What one run may print on one stream; the rest is dropped.
        log_lines: Lines in an execution's log, over all its runs; the rest is dropped.
        params_bytes: Size of an execution's parameters, as JSON.
        result_bytes: Size of its result, as JSON.
    """

    memory_bytes: int | None = None
    fuel: int | None = None
    output_bytes: int | None = None
    log_lines: int | None = None
    params_bytes: int | None = None
    result_bytes: int | None = None


OPERATORS = ComponentLimits()
"""A component that asks for nothing special."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """The limits that hold for a run, as `ComponentLimits` has them; no ``fuel`` where instructions are not counted."""

    memory_bytes: int = 512 * MIB
    fuel: int | None = None
    output_bytes: int = MIB
    log_lines: int = 10_000
    params_bytes: int = 16 * MIB
    result_bytes: int = 16 * MIB

    def lowered(self, own: ComponentLimits) -> RunLimits:
        """Return the limits of a component's runs: the lower of both, each."""
        if own is OPERATORS:
            return self
        return RunLimits(
            memory_bytes=_lower(self.memory_bytes, own.memory_bytes),
            fuel=None if self.fuel is None else _lower(self.fuel, own.fuel),
            output_bytes=_lower(self.output_bytes, own.output_bytes),
            log_lines=_lower(self.log_lines, own.log_lines),
            params_bytes=_lower(self.params_bytes, own.params_bytes),
            result_bytes=_lower(self.result_bytes, own.result_bytes),
        )

    def problems(self, own: ComponentLimits) -> list[str]:
        """Return what a component asks for that the operator does not give, in words that continue a place."""
        problems = []
        for field in _ALL:
            most, asked = getattr(self, field.name), getattr(own, field.name)
            if asked is None:
                continue
            if most is None:
                problems.append(f"{key_of(field.name)} needs a site that counts fuel; set OBELISK_FUEL")
            elif asked > most:
                unit = _UNITS.get(field.name, 1)
                problems.append(
                    f"{key_of(field.name)} is {asked // unit}, and the most that this site gives is {most // unit} "
                    f"({_SETTINGS[field.name]})"
                )
        return problems


_ALL = fields(RunLimits)
_UNITS = {"memory_bytes": MIB}
_SETTINGS = {
    "memory_bytes": "OBELISK_MEMORY_MIB",
    "fuel": "OBELISK_FUEL",
    "output_bytes": "OBELISK_OUTPUT_BYTES",
    "log_lines": "OBELISK_LOG_LINES",
    "params_bytes": "OBELISK_PARAMS_BYTES",
    "result_bytes": "OBELISK_RESULT_BYTES",
}


def key_of(name: str) -> str:
    """Return the key of a deployment file that sets a limit."""
    return "limits.memory_mib" if name == "memory_bytes" else f"limits.{name}"


def size_problem(name: str, text: str, most: int) -> str | None:
    """Return one sentence if something is larger than its limit.

    Args:
        name: The limit, ``params_bytes`` or ``result_bytes``.
        text: Its JSON.
        most: How many bytes that may have.
    """
    size = len(text) if text.isascii() or len(text) > most else len(text.encode())
    if size <= most:
        return None
    what = "the parameters take" if name == "params_bytes" else "the result takes"
    return f"{what} {size} bytes as JSON, more than {key_of(name)} = {most}"


def _lower(most: int, asked: int | None) -> int:
    return most if asked is None else min(most, asked)
