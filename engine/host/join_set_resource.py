"""``obelisk:types/join-set``: the resource that a workflow holds while a join set is open."""

from __future__ import annotations

from engine.host.context import WorkflowContext
from engine.host.responses import write_member
from engine.wasm.host_functions import HostFunction, HostInterface, HostResource
from engine.wit.obelisk_types import JOIN_SET, JOIN_SET_RESOURCE
from engine.wit.options import JsonValue


def _id(context: WorkflowContext, handle: int) -> JsonValue:
    return context.join_sets.look_up(handle)


def _last_id(context: WorkflowContext, handle: int) -> JsonValue:
    with context.mutex:
        return write_member(context.run.last_id(context.join_sets.look_up(handle)))


def close_handle(context: WorkflowContext, handle: int) -> None:
    """Close the join set of a handle that the guest gives up, waiting for its members."""
    join_set = context.join_sets.take(handle)
    if join_set is None:
        return
    with context.mutex:
        context.run.close(join_set)
        context.after_call()


JOIN_SET_HANDLE = HostResource(name=JOIN_SET_RESOURCE, drop=close_handle)
"""The one resource type that every interface with join sets shares."""

JOIN_SET_HOST = HostInterface(
    functions={
        "[method]join-set.id": HostFunction(type=JOIN_SET["[method]join-set.id"], call=_id),
        "[method]join-set.last-id": HostFunction(type=JOIN_SET["[method]join-set.last-id"], call=_last_id),
    },
    resources={JOIN_SET_RESOURCE: JOIN_SET_HANDLE},
)
"""The interface, for workflows."""
