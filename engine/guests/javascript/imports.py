"""Functions of other components that JavaScript imports by name: whether they are there, and of what type.

Source:
    Obelisk reference, sections 1.5 and 3.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from engine.deployment.imports import EXPORT_KINDS
from engine.deployment.problems import Problem
from engine.deployment.spec import ComponentSpec, ComponentType
from engine.errors import NameSyntaxError
from engine.wit.extensions import extension_functions
from engine.wit.names import SCHEDULE_SUFFIX, InterfaceName
from engine.wit.obelisk_types import LOG, LOG_INTERFACE
from engine.wit.types import FunctionType

Interfaces = Mapping[InterfaceName, Mapping[str, FunctionType]]
_ALL = "*"


def camel_name(kebab: str) -> str:
    """Return a WIT name as JavaScript spells it: ``fibo-submit`` is ``fiboSubmit``."""
    return re.sub("-(.)", lambda match: match[1].upper(), kebab)


def offered_functions(components: Iterable[ComponentSpec]) -> Interfaces:
    """Return all functions that components may import by name: exports, their companions, and the log."""
    offered: dict[InterfaceName, dict[str, FunctionType]] = {LOG_INTERFACE: dict(LOG)}
    for component in components:
        kind = EXPORT_KINDS.get(component.id.component_type)
        for function in component.functions if kind is not None else ():
            assert kind is not None
            companions = extension_functions(function.name, function.type, kind)
            for name, function_type in (
                (function.name, function.type),
                *((companion.name, companion.type) for companion in companions),
            ):
                offered.setdefault(name.interface, {})[name.function] = function_type
    return offered


def resolve_imports(
    component: ComponentSpec, wanted: Mapping[str, Sequence[str]], offered: Interfaces
) -> tuple[Interfaces, list[Problem]]:
    """Return what a component's imports refer to, and what is wrong with them.

    Args:
        component: Which one; its type decides what it may import.
        wanted: Names in JavaScript's spelling by interface; ``*`` for all of it.
        offered: What there is, see `offered_functions`.
    """
    found: dict[InterfaceName, Mapping[str, FunctionType]] = {}
    problems: list[Problem] = []
    for specifier, names in wanted.items():
        try:
            interface = InterfaceName.parse(specifier)
        except NameSyntaxError as error:
            problems.append(_problem(component, specifier, str(error)))
            continue
        refusal = _refusal(component.id.component_type, interface) or _absence(interface, offered)
        if refusal is not None:
            problems.append(_problem(component, specifier, refusal))
            continue
        functions = offered[interface]
        by_name = {camel_name(name): name for name in functions}
        problems.extend(_missing(component, interface, names, list(by_name)))
        kept = set(by_name) if _ALL in names else set(names)
        found[interface] = {wit: functions[wit] for name, wit in by_name.items() if name in kept}
    return found, problems


def _refusal(component_type: ComponentType, interface: InterfaceName) -> str | None:
    if interface == LOG_INTERFACE or component_type is ComponentType.WORKFLOW:
        return None
    if component_type is not ComponentType.WEBHOOK_ENDPOINT:
        return "an activity cannot call other components; let a workflow do it"
    if interface.is_extension and interface.extension_suffix != SCHEDULE_SUFFIX:
        return f"only workflows can import packages ending in {interface.extension_suffix}"
    return None


def _absence(interface: InterfaceName, offered: Interfaces) -> str | None:
    if interface in offered:
        return None
    if interface.namespace == "obelisk":
        return f"of the engine's interfaces {LOG_INTERFACE} can be imported; the rest is in the global obelisk"
    return f"no component exports it{_nearest(str(interface), [str(name) for name in offered])}"


def _missing(
    component: ComponentSpec, interface: InterfaceName, names: Sequence[str], known: list[str]
) -> Iterator[Problem]:
    for name in names:
        if name == "default":
            message = "an interface has no default export; write import { name } from it"
            yield _problem(component, f"{interface}", message)
        elif name != _ALL and name not in known:
            yield _problem(component, f"{interface}.{name}", f"there is no such function{_nearest(name, known)}")


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _problem(component: ComponentSpec, place: str, message: str) -> Problem:
    return Problem(component=component.id.name, place=f"import {place}", message=message)
