"""What a component imports and exports, as WIT text."""

from __future__ import annotations

from collections.abc import Iterable

from components.deployed_rows import authored_names
from components.interface_codec import decode_function, decode_interfaces
from components.models import Component, Function
from engine.deployment.imports import EXPORT_KINDS
from engine.deployment.spec import ComponentType
from engine.wit.extensions import extension_functions
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.types import FunctionType
from engine.wit.wit_text import format_component


def component_wit(row: Component, functions: Iterable[Function], *, companions: bool) -> str:
    """Return the WIT of a component; empty if it neither imports nor exports anything.

    Args:
        row: The component.
        functions: Its functions.
        companions: Whether to show what the engine generates for its exports, too.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read.
    """
    imports = decode_interfaces(row.imports)
    exports = exports_with_companions(row, functions) if companions else decode_interfaces(row.exports)
    if not imports and not exports:
        return ""
    return format_component(imports=imports, exports=exports, type_names=dict.fromkeys(exports, authored_names(row)))


def exports_with_companions(
    row: Component, functions: Iterable[Function]
) -> dict[InterfaceName, dict[str, FunctionType]]:
    """Return what a component exports, and what the engine generates for that.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read.
    """
    exports = {interface: dict(members) for interface, members in decode_interfaces(row.exports).items()}
    kind = EXPORT_KINDS.get(ComponentType(row.component_type))
    if kind is None:
        return exports
    for function in functions:
        exported = decode_function(function.params, function.return_type)
        for companion in extension_functions(FunctionName.parse(function.ffqn), exported, kind):
            exports.setdefault(companion.name.interface, {})[companion.name.function] = companion.type
    return exports
