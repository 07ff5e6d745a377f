"""A backtrace as clients see it.

Source:
    Obelisk reference, section 9.2.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from executions.backtraces import Backtrace


class CallerDocument(Struct, frozen=True, kw_only=True):
    """The version of the component that made a call."""

    component_type: str
    name: str
    component_digest: str


class BacktraceDocument(Struct, frozen=True, kw_only=True):
    """Where a call was made."""

    execution_id: str
    component_id: CallerDocument
    version_min_including: int
    version_max_excluding: int
    wasm_backtrace: Annotated[dict[str, Any], Meta(description="`frames`, the innermost first.")]


def backtrace_document(found: Backtrace) -> BacktraceDocument:
    """Return what is said about the place of a call."""
    kind, name, digest = found.component.split(":", 2)
    return BacktraceDocument(
        execution_id=found.execution_id,
        component_id=CallerDocument(component_type=kind, name=name, component_digest=digest),
        version_min_including=found.first,
        version_max_excluding=found.behind,
        wasm_backtrace=found.stack,
    )
