"""Joining a component with what the host defines for its imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.errors import LinkError
from engine.wasm.component import CompiledComponent
from engine.wasm.engine import WasmEngine
from engine.wasm.gil_choice import GilChoice
from engine.wasm.host_functions import HostFunction, HostInterface, HostResource
from engine.wasm.instance import Instance, InstanceLimits, Target
from engine.wasm.introspection import ROOT, InterfaceShape, ResourceOrigin
from engine.wasm.linker import Linker
from engine.wit.grammar import format_type
from engine.wit.options import JsonValue
from engine.wit.types import FunctionType, same_shape

DEFAULT_LIMITS = InstanceLimits()

_UNDEFINED = HostInterface()


class LinkedComponent:
    """A component whose imports are defined: it can run, on any number of threads at once.

    ``link`` makes it.
    """

    def __init__(
        self,
        engine: WasmEngine,
        component: CompiledComponent,
        linker: Linker,
        resources: Mapping[ResourceOrigin, HostResource],
    ) -> None:
        self.engine = engine
        self.component = component
        self.linker = linker
        self._resources = resources
        self.start = GilChoice()
        self._targets: dict[tuple[str, str], Target] = {}

    def call(
        self,
        export: str,
        function: str,
        args: Sequence[object],
        *,
        context: object = None,
        deadline: float | None = None,
        limits: InstanceLimits = DEFAULT_LIMITS,
    ) -> JsonValue:
        """Call an exported function in a fresh instance.

        Args:
            export: Name of the exported interface, version included; empty for a function that stands in none.
            function: Name of the function.
            args: Canonical values, one for each parameter; a ``list<u8>`` may be ``bytes`` as well.
            context: Handed to every host function that the guest calls.
            deadline: Seconds the run may take, time spent in host functions included; ``None`` for no limit.
            limits: What else the run may use up.

        Returns:
            The canonical result; ``None`` if the function has none.

        Raises:
            LinkError: If the component exports no such function.
            ValueMismatch: If an argument is not of its parameter's type.
            Trap: If the guest dies.
            BaseException: Whatever a host function raised, the very object.
        """
        target = self.target(export, function)
        with Instance(self, context=context, deadline=deadline, limits=limits) as instance:
            return instance.call_target(target, args)

    def instantiate(
        self, *, context: object = None, deadline: float | None = None, limits: InstanceLimits = DEFAULT_LIMITS
    ) -> Instance:
        """Make an instance for several calls, to be used in a ``with``; on one thread at a time.

        Arguments and errors are those of ``call``.
        """
        return Instance(self, context=context, deadline=deadline, limits=limits)

    def target(self, export: str, function: str) -> Target:
        """Return what is needed to call an exported function.

        Raises:
            LinkError: If the component exports no such function.
        """
        found = self._targets.get((export, function))
        if found is None:
            found = self._targets[export, function] = self._make_target(export, function)
        return found

    def _make_target(self, export: str, function: str) -> Target:
        interface = self.component.shape.exports.get(export)
        if interface is None or function not in interface.functions:
            raise LinkError(f"the component exports no function {_full_name(export, function)}")
        type_ids = {
            name: self._resources[origin].type_id
            for name, origin in interface.resources.items()
            if origin in self._resources
        }
        return Target(
            self.component.address,
            export,
            function,
            function_type=interface.functions[function],
            resources=type_ids,
        )


def link(engine: WasmEngine, component: CompiledComponent, imports: Mapping[str, HostInterface]) -> LinkedComponent:
    """Define a component's imports.

    Args:
        engine: The engine that compiled the component.
        component: The component.
        imports: Definitions by the exact name, version included, under which the component imports the interface.
            Others are ignored.

    Raises:
        LinkError: If a function or resource is not defined, or is defined with another type; the message names all.
    """
    wanted = component.shape.imports
    problems = [
        problem for name, shape in wanted.items() for problem in _function_problems(name, shape, imports.get(name))
    ]
    resources, resource_problems = _resolve_resources(wanted, imports)
    problems.extend(resource_problems)
    if problems:
        raise LinkError("the component cannot be linked: " + "; ".join(problems))
    linker = Linker(engine)
    for name, shape in wanted.items():
        defined_functions = imports.get(name, _UNDEFINED).functions
        linker.define(
            name,
            {key: (defined_functions[key], function_type) for key, function_type in shape.functions.items()},
            {key: resources[origin] for key, origin in shape.resources.items()},
        )
    return LinkedComponent(engine, component, linker, resources)


def _resolve_resources(
    wanted: Mapping[str, InterfaceShape], imports: Mapping[str, HostInterface]
) -> tuple[dict[ResourceOrigin, HostResource], list[str]]:
    """Return the definition of every imported resource type, and what is wrong with them."""
    resources: dict[ResourceOrigin, HostResource] = {}
    problems = []
    for interface, shape in wanted.items():
        defined = imports.get(interface, _UNDEFINED).resources
        for name, origin in shape.resources.items():
            if name in defined and resources.setdefault(origin, defined[name]) is not defined[name]:
                problems.append(f"{_full_name(interface, name)} must be the resource that other interfaces give there")
    missing = {
        origin
        for shape in wanted.values()
        for origin in shape.resources.values()
        if origin not in resources and origin.interface in imports
    }
    problems.extend(
        sorted(f"nothing defines resource {_full_name(origin.interface, origin.name)}" for origin in missing)
    )
    return resources, problems


def _function_problems(interface: str, shape: InterfaceShape, defined: HostInterface | None) -> list[str]:
    if defined is None:
        # An interface of nothing but types has nothing to define.
        return [_missing_interface(interface, shape)] if shape.functions or shape.resources else []
    problems = []
    missing = [name for name in shape.functions if name not in defined.functions]
    if missing:
        problems.append(f"{_interface_name(interface)} lacks {', '.join(missing)}")
    for name, function_type in shape.functions.items():
        function = defined.functions.get(name)
        if function is not None and not _fits(function, function_type):
            assert function.type is not None
            problems.append(
                f"{_full_name(interface, name)} is imported as {_signature(function_type)} "
                f"but defined as {_signature(function.type)}"
            )
    return problems


def _missing_interface(interface: str, shape: InterfaceShape) -> str:
    members = ", ".join(
        (*shape.functions, *(name for name, origin in shape.resources.items() if origin.interface == interface))
    )
    return f"nothing defines {_interface_name(interface)} ({members})"


def _fits(function: HostFunction, imported: FunctionType) -> bool:
    return function.type is None or same_shape(function.type, imported)


def _signature(function_type: FunctionType) -> str:
    params = ", ".join(f"{param.name}: {format_type(param.type)}" for param in function_type.params)
    result = "" if function_type.result is None else f" -> {format_type(function_type.result)}"
    return f"func({params}){result}"


def _interface_name(interface: str) -> str:
    return interface or "the world itself"


def _full_name(interface: str, name: str) -> str:
    return f"{interface}.{name}" if interface != ROOT else name
