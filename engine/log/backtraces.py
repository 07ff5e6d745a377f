"""Where in its source a workflow made the calls that stand in its log.

A *stack* is the text of a WASM backtrace as JSON, innermost frame first::

    {"frames": [{"module": "trips", "func_name": "order", "symbols":
        [{"func_name": "order", "file": "trips.py", "line": 42, "col": null}]}]}

It is for people: nothing depends on it, and it may be missing.

Source:
    Obelisk reference, sections 2.5 and 9 (``GET /v1/executions/{id}/backtrace``).
"""

from __future__ import annotations

from msgspec import Struct

from engine.deployment.spec import ComponentId
from engine.log.ids import ExecutionId, Version
from engine.log.return_values import JsonText


class CallSite(Struct, frozen=True, gc=False):
    """One call that wrote events.

    Args:
        first: Version of the first of them.
        behind: Version behind the last one.
        stack: Where it was made.
    """

    first: Version
    behind: Version
    stack: JsonText


class CallSites(Struct, frozen=True, kw_only=True, gc=False):
    """Calls of one run of a workflow, in their order.

    Args:
        execution_id: The workflow's execution.
        component_id: The version of the component that made them.
        sites: At least one.
    """

    execution_id: ExecutionId
    component_id: ComponentId
    sites: tuple[CallSite, ...]
