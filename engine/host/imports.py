"""All definitions for the imports of one component."""

from __future__ import annotations

from collections.abc import Mapping

from engine.deployment.spec import ComponentType
from engine.errors import LinkError
from engine.host.component_functions import host_function
from engine.host.guest_log import LOG_HOST
from engine.host.join_set_resource import JOIN_SET_HANDLE, JOIN_SET_HOST
from engine.host.signal_support import SIGNAL_SUPPORT_HOST
from engine.host.wasi.interfaces import ACTIVITY_WASI, WORKFLOW_WASI
from engine.host.webhook_functions import webhook_function
from engine.host.webhook_support import WEBHOOK_SUPPORT_BACKTRACE_HOST, WEBHOOK_SUPPORT_HOST
from engine.host.workflow_support import WORKFLOW_SUPPORT_BACKTRACE_HOST, WORKFLOW_SUPPORT_HOST
from engine.wasm.host_functions import HostInterface
from engine.wasm.introspection import ComponentShape, InterfaceShape
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.obelisk_types import JOIN_SET_RESOURCE

_Offer = tuple[str, str, str, int]
"""Namespace, package, interface and major version: what decides whether a host interface fits an import."""

_WASI_VERSION = (0, 2)

_FOR_ALL: Mapping[_Offer, HostInterface] = {("obelisk", "log", "log", 1): LOG_HOST}
_FOR_WORKFLOWS: Mapping[_Offer, HostInterface] = {
    **_FOR_ALL,
    ("obelisk", "types", "execution", 5): HostInterface(),
    ("obelisk", "types", "time", 5): HostInterface(),
    ("obelisk", "types", "backtrace", 5): HostInterface(),
    ("obelisk", "types", "join-set", 5): JOIN_SET_HOST,
    ("obelisk", "workflow", "workflow-support", 6): WORKFLOW_SUPPORT_HOST,
    ("obelisk", "workflow", "workflow-support-backtrace", 6): WORKFLOW_SUPPORT_BACKTRACE_HOST,
}
_FOR_WEBHOOKS: Mapping[_Offer, HostInterface] = {
    **_FOR_ALL,
    ("obelisk", "types", "execution", 5): HostInterface(),
    ("obelisk", "types", "time", 5): HostInterface(),
    ("obelisk", "types", "backtrace", 5): HostInterface(),
    ("obelisk", "webhook", "webhook-support", 6): WEBHOOK_SUPPORT_HOST,
    ("obelisk", "webhook", "webhook-support-backtrace", 6): WEBHOOK_SUPPORT_BACKTRACE_HOST,
    ("obelisk", "signal", "signal-support", 1): SIGNAL_SUPPORT_HOST,
}


def imports_for(
    component_type: ComponentType, shape: ComponentShape, *, stub_wasi: bool = False
) -> Mapping[str, HostInterface]:
    """Return the host's definition of everything a component imports.

    Args:
        component_type: Decides what it may use.
        shape: What it imports.
        stub_wasi: Whether a workflow gets WASI interfaces without any effect instead of none.

    Raises:
        LinkError: If an import is not to be had by components of this type.
    """
    offers, wasi = _FOR_ALL, ACTIVITY_WASI
    if component_type is ComponentType.WORKFLOW:
        offers, wasi = _FOR_WORKFLOWS, WORKFLOW_WASI if stub_wasi else {}
    elif component_type is ComponentType.WEBHOOK_ENDPOINT:
        offers = _FOR_WEBHOOKS
    return {
        text: _interface(component_type, offers, wasi, text, interface) for text, interface in shape.imports.items()
    }


def _interface(
    component_type: ComponentType,
    offers: Mapping[_Offer, HostInterface],
    wasi: Mapping[tuple[str, str], HostInterface],
    text: str,
    shape: InterfaceShape,
) -> HostInterface:
    name = InterfaceName.parse(text)
    if name.namespace in ("obelisk", "wasi"):
        offer = (
            offers.get((name.namespace, name.package, name.interface, _numbers(name)[0]))
            if name.namespace == "obelisk"
            else wasi.get((name.package, name.interface))
            if _numbers(name) == _WASI_VERSION
            else None
        )
        if offer is None:
            raise LinkError(f"a component of type {component_type} cannot import {text}")
        return offer
    if component_type is ComponentType.WEBHOOK_ENDPOINT:
        return HostInterface(
            functions={
                function: webhook_function(FunctionName(name, function), function_type)
                for function, function_type in shape.functions.items()
            }
        )
    if component_type is not ComponentType.WORKFLOW:
        raise LinkError(f"a component of type {component_type} cannot import functions of other components ({text})")
    return HostInterface(
        functions={
            function: host_function(FunctionName(name, function), function_type)
            for function, function_type in shape.functions.items()
        },
        resources={JOIN_SET_RESOURCE: JOIN_SET_HANDLE},
    )


def _numbers(name: InterfaceName) -> tuple[int, int]:
    """Return the major and minor version. WASI's interfaces are found by both: it stands before its 1.0."""
    major, _, rest = (name.version or "").partition(".")
    minor = rest.partition(".")[0]
    return int(major) if major.isdigit() else -1, int(minor) if minor.isdigit() else -1
