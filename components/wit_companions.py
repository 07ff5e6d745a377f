"""The WIT of what the engine generates for functions that are not deployed yet."""

from __future__ import annotations

from pathlib import Path

from components.manifest import DeploymentFolder
from components.manifest.files import UnusableFile
from components.problems import DeploymentRefused
from engine.errors import NotExtendable, TypeSyntaxError
from engine.wit.extensions import ExportKind, extension_functions
from engine.wit.names import InterfaceName
from engine.wit.return_values import check_extendable
from engine.wit.types import FunctionType, WitType
from engine.wit.wit_text import format_interfaces


def companions_text(folder: Path, kind: ExportKind) -> str:
    """Return the companions of the functions that a folder of WIT exports, as WIT text, a block per package.

    Args:
        folder: The folder; its package has one world.
        kind: What kind of component exports them.

    Raises:
        DeploymentRefused: If the folder cannot be read, or a function in it cannot be called by others.
    """
    companions: dict[InterfaceName, dict[str, FunctionType]] = {}
    type_names: dict[InterfaceName, dict[str, WitType]] = {}
    try:
        wit = DeploymentFolder(folder.parent).read_wit(folder.name)
        for name in wit.exported_names():
            exported = wit.exported(name)
            check_extendable(exported.type, name=str(name))
            for companion in extension_functions(name, exported.type, kind):
                interface = companion.name.interface
                companions.setdefault(interface, {})[companion.name.function] = companion.type
                type_names.setdefault(interface, {}).update(exported.type_names)
    except UnusableFile as error:
        raise DeploymentRefused([f"{folder} {error}"]) from error
    except (NotExtendable, TypeSyntaxError) as error:
        raise DeploymentRefused([str(error)]) from error
    return format_interfaces(companions, type_names=type_names)
