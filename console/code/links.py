"""Who calls whom in a deployment: who exports what a component imports, and who uses what it exports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from components.interface_codec import decode_interfaces
from components.models import Component, Function
from components.services import is_cron, load_cron
from engine.wit.extensions import primary_of
from engine.wit.names import FunctionName, InterfaceName

Satisfied = Literal["host", "component", "nobody"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFunction:
    """A function that a component imports.

    Args:
        name: Its own name.
        provider: The component that exports it, or the function that it is generated for; ``None`` if nobody does.
        companion: What it does with that function, such as ``submit``; ``None`` if it is the function itself.
    """

    name: str
    provider: Component | None
    companion: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedInterface:
    """An interface that a component imports.

    Args:
        name: Which one.
        by: Who has its functions: the engine's host, or components; ``nobody`` if one of them is not there.
        functions: What it takes of it; empty if only types.
    """

    name: InterfaceName
    by: Satisfied
    functions: tuple[ImportedFunction, ...]

    @property
    def providers(self) -> list[Component]:
        """The components that have its functions, each once."""
        found = {each.provider.name: each.provider for each in self.functions if each.provider is not None}
        return list(found.values())


class Linking:
    """The imports and exports of a deployment's components.

    Args:
        rows: The components with their functions.
    """

    def __init__(self, rows: Sequence[tuple[Component, list[Function]]]) -> None:
        self._rows = rows
        self._exporters = {function.ffqn: row for row, functions in rows for function in functions}

    def exporter(self, ffqn: str) -> Component | None:
        """Return the component that exports a function."""
        return self._exporters.get(ffqn)

    def imports(self, row: Component) -> list[ImportedInterface]:
        """Return what a component imports, components' functions first.

        Raises:
            DeploymentError: If it was stored by a version that this one cannot read.
        """
        found = [
            self._imported(interface, functions) for interface, functions in decode_interfaces(row.imports).items()
        ]
        return sorted(found, key=lambda each: each.by == "host")

    def users(self, row: Component) -> list[Component]:
        """Return the components that call a component's functions, and what starts them by the clock."""
        return self._users.get(row.name, [])

    @cached_property
    def _users(self) -> dict[str, list[Component]]:
        users: dict[str, dict[str, Component]] = {}
        for row, _ in self._rows:
            for provider in self._called(row):
                users.setdefault(provider.name, {})[row.name] = row
        return {name: list(found.values()) for name, found in users.items()}

    def _called(self, row: Component) -> Iterable[Component]:
        if is_cron(row):
            target = self._exporters.get(str(load_cron(row).target))
            return [] if target is None else [target]
        return [provider for imported in self.imports(row) for provider in imported.providers]

    def _imported(self, interface: InterfaceName, functions: Iterable[str]) -> ImportedInterface:
        if interface.is_reserved:
            members = tuple(ImportedFunction(name=name, provider=None) for name in functions)
            return ImportedInterface(name=interface, by="host", functions=members)
        members = tuple(self._imported_function(interface, name) for name in functions)
        is_whole = all(member.provider is not None for member in members)
        return ImportedInterface(name=interface, by="component" if is_whole else "nobody", functions=members)

    def _imported_function(self, interface: InterfaceName, name: str) -> ImportedFunction:
        wanted = FunctionName(interface, name)
        companion = primary_of(wanted) if interface.is_extension else None
        if companion is None:
            return ImportedFunction(name=name, provider=self._exporters.get(str(wanted)))
        kind, primary = companion
        return ImportedFunction(name=name, provider=self._exporters.get(str(primary)), companion=kind.replace("_", " "))
