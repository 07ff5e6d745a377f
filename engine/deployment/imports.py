"""Whether everything a component imports is there: offered by the host to its kind, or exported by a component.

Source:
    Obelisk reference, sections 3.3, 6.1, 7 and 11.3 step 4.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.deployment.problems import Problem
from engine.deployment.spec import ComponentSpec, ComponentType
from engine.wit.extensions import ExportKind, extension_functions, primary_of
from engine.wit.grammar import format_type
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.obelisk_types import (
    BACKTRACE_INTERFACE,
    EXECUTION_INTERFACE,
    JOIN_SET,
    JOIN_SET_INTERFACE,
    LOG,
    LOG_INTERFACE,
    SIGNAL_SUPPORT,
    SIGNAL_SUPPORT_INTERFACE,
    TIME_INTERFACE,
    WEBHOOK_SUPPORT,
    WEBHOOK_SUPPORT_BACKTRACE,
    WEBHOOK_SUPPORT_BACKTRACE_INTERFACE,
    WEBHOOK_SUPPORT_INTERFACE,
    WORKFLOW_SUPPORT,
    WORKFLOW_SUPPORT_BACKTRACE,
    WORKFLOW_SUPPORT_BACKTRACE_INTERFACE,
    WORKFLOW_SUPPORT_INTERFACE,
)
from engine.wit.types import FunctionType, same_shape

HostInterfaces = Mapping[InterfaceName, Mapping[str, FunctionType]]

_TYPES_ONLY: HostInterfaces = {TIME_INTERFACE: {}, EXECUTION_INTERFACE: {}, BACKTRACE_INTERFACE: {}}
ACTIVITY_HOST: HostInterfaces = {**_TYPES_ONLY, LOG_INTERFACE: LOG}
"""What an activity may import besides WASI."""
WORKFLOW_HOST: HostInterfaces = {
    **_TYPES_ONLY,
    LOG_INTERFACE: LOG,
    JOIN_SET_INTERFACE: JOIN_SET,
    WORKFLOW_SUPPORT_INTERFACE: WORKFLOW_SUPPORT,
    WORKFLOW_SUPPORT_BACKTRACE_INTERFACE: WORKFLOW_SUPPORT_BACKTRACE,
}
"""What a workflow may import besides the functions of components."""
WEBHOOK_HOST: HostInterfaces = {
    **_TYPES_ONLY,
    LOG_INTERFACE: LOG,
    WEBHOOK_SUPPORT_INTERFACE: WEBHOOK_SUPPORT,
    WEBHOOK_SUPPORT_BACKTRACE_INTERFACE: WEBHOOK_SUPPORT_BACKTRACE,
    SIGNAL_SUPPORT_INTERFACE: SIGNAL_SUPPORT,
}
"""What a webhook endpoint may import besides WASI and the functions of components."""
_HOSTS: Mapping[ComponentType, HostInterfaces] = {
    ComponentType.WORKFLOW: WORKFLOW_HOST,
    ComponentType.WEBHOOK_ENDPOINT: WEBHOOK_HOST,
}

EXPORT_KINDS: Mapping[ComponentType, ExportKind] = {
    ComponentType.ACTIVITY: "activity",
    ComponentType.ACTIVITY_STUB: "activity_stub",
    ComponentType.WORKFLOW: "workflow",
}
"""Component types whose exports others can call, as the generator of companions names them."""

_OFFERED_TO_OTHERS = {
    **dict.fromkeys(
        (JOIN_SET_INTERFACE, WORKFLOW_SUPPORT_INTERFACE, WORKFLOW_SUPPORT_BACKTRACE_INTERFACE), "workflows"
    ),
    **dict.fromkeys(
        (WEBHOOK_SUPPORT_INTERFACE, WEBHOOK_SUPPORT_BACKTRACE_INTERFACE, SIGNAL_SUPPORT_INTERFACE), "webhook endpoints"
    ),
}
_WASI_PACKAGES = frozenset({"cli", "clocks", "filesystem", "http", "io", "random", "sockets"})
_WASI_VERSION = (0, 2)


@dataclass(frozen=True, slots=True)
class Exported:
    """A function that some component exports."""

    type: FunctionType
    component: ComponentSpec


Exports = Mapping[FunctionName, Exported]


def import_problems(component: ComponentSpec, exports: Exports) -> Iterator[Problem]:
    """Return what is wrong with a component's imports, at most one problem per function.

    Args:
        component: The component.
        exports: All functions of the deployment that others may call, of the kinds in `EXPORT_KINDS`.
    """
    for interface, functions in component.imports.items():
        match interface.namespace:
            case "obelisk":
                found = _obelisk_problems(component, interface, functions)
            case "wasi":
                found = _wasi_problems(component, interface)
            case _:
                found = _component_problems(component, interface, functions, exports)
        for place, message in found:
            yield Problem(component=component.id.name, place=f"import {place}", message=message)


_Found = Iterator[tuple[object, str]]


def _obelisk_problems(
    component: ComponentSpec, interface: InterfaceName, functions: Mapping[str, FunctionType]
) -> _Found:
    host = _HOSTS.get(component.id.component_type, ACTIVITY_HOST)
    offered = _compatible(interface, host)
    if offered is None:
        yield interface, _why_not_offered(interface, host)
        return
    for name, wanted in functions.items():
        place = FunctionName(interface, name)
        if name not in host[offered]:
            yield place, f"{offered} has no such function{_nearest(name, list(host[offered]))}"
        elif not same_shape(wanted, host[offered][name]):
            yield place, _mismatch(wanted, host[offered][name], f"the engine's {offered}")


def _why_not_offered(interface: InterfaceName, host: HostInterfaces) -> str:
    if (others := _compatible(interface, _OFFERED_TO_OTHERS)) is not None:
        return f"the engine offers it to {_OFFERED_TO_OTHERS[others]} only"
    known = [*host, *_OFFERED_TO_OTHERS]
    for other in known:
        if (other.package, other.interface) == (interface.package, interface.interface):
            return (
                f"the engine links version {other.version} only; build the component for Obelisk 0.40 or later, "
                f"with {other.package_name}"
            )
    return "the engine has no such interface"


def _wasi_problems(component: ComponentSpec, interface: InterfaceName) -> _Found:
    if interface.package not in _WASI_PACKAGES or _numbers(interface.version)[:2] != _WASI_VERSION:
        yield interface, f"the engine offers WASI 0.2 ({', '.join(sorted(_WASI_PACKAGES))}) only"
    elif component.id.component_type is ComponentType.WORKFLOW and not component.sandbox.stub_wasi:
        yield (
            interface,
            "a workflow's sandbox has no WASI; build the component without it, or set stub_wasi = true to give it "
            "interfaces without any effect",
        )


def _component_problems(
    component: ComponentSpec, interface: InterfaceName, functions: Mapping[str, FunctionType], exports: Exports
) -> _Found:
    if functions and component.id.component_type not in (ComponentType.WORKFLOW, ComponentType.WEBHOOK_ENDPOINT):
        yield interface, "an activity cannot call other components; it may import WASI and obelisk:log only"
        return
    for name, wanted in functions.items():
        function = FunctionName(interface, name)
        if not interface.is_extension:
            message = _primary_problem(function, wanted, exports)
        elif component.id.component_type is ComponentType.WEBHOOK_ENDPOINT and not _is_schedule(function):
            message = "a webhook endpoint may import the functions of components, and those that schedule them, only"
        else:
            message = _companion_problem(function, wanted, exports)
        if message is not None:
            yield function, message


def _primary_problem(function: FunctionName, wanted: FunctionType, exports: Exports) -> str | None:
    exported = exports.get(function)
    if exported is None:
        return f"no component exports it{_nearest(str(function), [str(name) for name in exports])}"
    if same_shape(wanted, exported.type):
        return None
    return _mismatch(wanted, exported.type, f"component {exported.component.id.name}")


def _is_schedule(function: FunctionName) -> bool:
    place = primary_of(function)
    return place is None or place[0] == "schedule"


def _companion_problem(function: FunctionName, wanted: FunctionType, exports: Exports) -> str | None:
    """Check a generated companion such as ``fibo-submit`` against the function it belongs to."""
    place = primary_of(function)
    if place is None:
        suffix = function.interface.extension_suffix
        return f"the engine generates no function of this name in a package ending in {suffix}"
    kind, primary = place
    exported = exports.get(primary)
    if exported is None:
        return (
            f"no component exports {primary}, which it belongs to"
            f"{_nearest(str(primary), [str(name) for name in exports])}"
        )
    component_type = exported.component.id.component_type
    companions = {
        companion.kind: companion.type
        for companion in extension_functions(primary, exported.type, EXPORT_KINDS[component_type])
    }
    if kind not in companions:
        only = "is generated for stub activities only" if kind == "stub" else "is not generated for stub activities"
        return f"it {only}, and component {exported.component.id.name} is of the type {component_type}"
    if same_shape(wanted, companions[kind]):
        return None
    return _mismatch(wanted, companions[kind], f"the engine, for component {exported.component.id.name},")


def _mismatch(wanted: FunctionType, offered: FunctionType, by: str) -> str:
    return f"imported as {format_function(wanted)}, but {by} has {format_function(offered)}"


def format_function(function: FunctionType) -> str:
    """Return a function's type as WIT writes it: ``func(n: u8) -> result<u64>``."""
    params = ", ".join(f"{param.name}: {format_type(param.type)}" for param in function.params)
    result = "" if function.result is None else f" -> {format_type(function.result)}"
    return f"func({params}){result}"


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ""


def _compatible(interface: InterfaceName, offered: Mapping[InterfaceName, object]) -> InterfaceName | None:
    """Find the interface of this name whose version links: the same major one, below 1.0 the same minor one."""
    for other in offered:
        same_name = (other.namespace, other.package, other.interface) == (
            interface.namespace,
            interface.package,
            interface.interface,
        )
        if same_name and _line(other.version) == _line(interface.version):
            return other
    return None


def _line(version: str | None) -> tuple[int, ...]:
    """Return the part of a version that has to be equal to link."""
    numbers = _numbers(version)
    return numbers[:1] if numbers[:1] > (0,) else numbers[:2]


def _numbers(version: str | None) -> tuple[int, ...]:
    core = (version or "").partition("+")[0].partition("-")[0]
    return tuple(int(number) for number in core.split(".") if number)
