"""WIT text of the interfaces that a component imports and exports, as WIT tools parse it.

A component keeps the structure of its types but not their names, and WIT has no anonymous records, variants, enums or
flags. So these get names here: those of Obelisk's own interfaces where an interface of Obelisk or a generated
companion has them, else a name after the place where the type is first met. Linking goes by structure, so bindings
made from this text fit the component.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from engine.wit.grammar import identifier
from engine.wit.names import InterfaceName
from engine.wit.types import FunctionType
from engine.wit.wit_interface import Document, TypeNames, interface_path

Interfaces: TypeAlias = Mapping[InterfaceName, Mapping[str, FunctionType]]
_NO_NAMES: TypeNames = {}


def format_component(imports: Interfaces, exports: Interfaces, *, type_names: TypeNames = _NO_NAMES) -> str:
    """Return the WIT of a component: a world ``root``, and every interface that it needs.

    Args:
        imports: Functions that the component imports, by interface and name. Functions of resources are named as in
            the component model: ``[method]join-set.id``, ``[static]r.f``, ``[constructor]r``, ``[resource-drop]r``.
        exports: Functions that it exports. An interface that is both imported and exported has one text; where the
            two differ in a function, the exported one is shown.
        type_names: Names that the author gave to types, by interface and name.
    """
    interfaces = {name: {**imports.get(name, {}), **exports.get(name, {})} for name in (*imports, *exports)}
    document = Document(interfaces, type_names)
    world = ["world root {"]
    world += [f"  import {interface_path(name)};" for name in imports]
    if imports and exports:
        world.append("")
    world += [f"  export {interface_path(name)};" for name in exports]
    world.append("}")
    return _text(["package root:component;", "", *world], document)


def format_interfaces(interfaces: Interfaces, *, type_names: TypeNames = _NO_NAMES) -> str:
    """Return the WIT of some interfaces and of those that they use, in a block per package.

    Args:
        interfaces: Functions by interface and name.
        type_names: Names that authors gave to types, by interface and name.
    """
    return _text(["package root:interfaces;"], Document(interfaces, type_names))


def _text(head: Iterable[str], document: Document) -> str:
    packages: dict[str, list[str]] = {}
    for interface in document.interfaces():
        name = interface.name
        version = f"@{name.version}" if name.version is not None else ""
        package = f"package {identifier(name.namespace)}:{identifier(name.package)}{version} {{"
        packages.setdefault(package, []).extend(["", *interface.lines()])
    lines = list(head)
    for package, body in packages.items():
        lines += ["", package, *(f"  {line}" if line else "" for line in body[1:]), "}"]
    return "\n".join(lines) + "\n"
