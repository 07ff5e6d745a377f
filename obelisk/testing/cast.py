"""Who plays in a test: the files whose functions it named, and what it says comes of some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.clock import SimulatedClock
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentSpec, DeploymentSpec
from engine.log.ids import make_deployment_id
from engine.wasm.component import digest_of
from engine.wit.names import FunctionName
from obelisk.errors import Refused
from obelisk.functions import Function, registered
from obelisk.testing.app import App, load_app
from obelisk.testing.components import outside_component, python_components
from obelisk.testing.outcomes import Fake
from obelisk.testing.problems import KINDS
from obelisk.testing.runtime import compiled_runtime

_WHAT = {
    "activity": "the activity {}",
    "workflow": "the workflow {}",
    "stub": "the stub {}",
    "signal": "the signal {}",
}


class Cast:
    """The files and the fakes of one test; both grow as it names functions."""

    def __init__(self) -> None:
        self._fakes: dict[str, Fake] = {}
        self._apps: list[App] = []
        self._given: dict[tuple[str, str], Fake] = {}
        self._registry: Registry | None = None
        self._version = 0

    def name_of(self, function: Function[..., Any]) -> str:
        """Return a function's full name; its file is read if no other has it.

        Raises:
            TypeError: If it is not one that executions are of.
            SourceRefused: If its file could not be deployed either.
        """
        if function.imported_from is not None:
            return function.imported_from
        found = self._look_up(function)
        if found is None:
            self._apps.append(load_app(function))
            self._registry = None
            found = self._look_up(function)
        if found is None:
            raise TypeError(f"{function.name} is {KINDS[function.kind]}, which no execution is of")
        return found

    def find(self, name: str) -> Function[..., Any] | None:
        """Return a function of the imported files by its full name, with its file read; ``None`` if there is none."""
        function: Function[..., Any]
        for function in reversed(registered):  # of a file that was imported twice, what it says now
            if function.kind in ("imported", "query"):
                continue
            if self._look_up(function) == name or _full_name(function) == name:
                self.name_of(function)
                return function
        return None

    def give(self, fake: Fake) -> None:
        """Say what comes of a function from now on."""
        self._given[_key(fake.function)] = fake
        self._registry = None

    @property
    def fakes(self) -> Mapping[str, Fake]:
        """What is not really run, by full name; the same object always."""
        if self._registry is None:
            self._registry = self._deploy()
        return self._fakes

    @property
    def registry(self) -> Registry:
        """What is deployed."""
        if self._registry is None:
            self._registry = self._deploy()
        return self._registry

    def read(self, digest: str) -> bytes:
        """Return what is stored of a file; see `engine.executor.programs.FileReader`."""
        return next(app.description.artefact for app in self._apps if digest_of(app.description.artefact) == digest)

    def describe(self, name: str) -> str:
        """Return a function as sentences call it."""
        for app in self._apps:
            for function in app.description.functions:
                if str(function.name) == name:
                    return _WHAT[function.kind].format(function.label)
        return name

    def _look_up(self, function: Function[..., Any]) -> str | None:
        found = (app.find(function) for app in self._apps)
        return next((str(described.name) for described in found if described is not None), None)

    def _deploy(self) -> Registry:
        self._fakes.clear()
        self._fakes.update(self._named_fakes())
        apart = {name for name, fake in self._fakes.items() if fake.loses_attempts}
        outside = {name: fake.function for name, fake in self._fakes.items() if fake.function.kind == "stub"}
        components: list[ComponentSpec] = []
        taken = set(outside)
        for app in self._apps:
            components += python_components(
                app.name,
                app.files,
                app.description,
                runtime=compiled_runtime().digest,
                apart=apart,
                left_out=taken,
            )
            taken.update(str(function.name) for function in app.description.functions)
        outside.update((name, function) for name, function in self._imports() if name not in taken)
        if outside:
            named = [(FunctionName.parse(name), function) for name, function in outside.items()]
            components.append(outside_component(named))
        self._version += 1
        deployment_id = make_deployment_id(SimulatedClock().now(), self._version.to_bytes(10, "big"))
        return Registry(DeploymentSpec(id=deployment_id, components=tuple(components)))

    def _named_fakes(self) -> Iterator[tuple[str, Fake]]:
        for fake in self._given.values():
            function = fake.function
            if function.imported_from is not None:
                yield function.imported_from, fake
                continue
            for app in self._apps:
                if (described := app.find(function)) is not None:
                    yield str(described.name), fake

    def _imports(self) -> Iterator[tuple[str, Function[..., Any]]]:
        wanted = {str(imported.name) for app in self._apps for imported in app.description.imports}
        for function in registered:
            if function.imported_from in wanted:
                yield str(function.imported_from), function


def _full_name(function: Function[..., Any]) -> str | None:
    try:
        return function.ffqn
    except Refused:
        return None  # its file does not say what it is part of


def _key(function: Function[..., Any]) -> tuple[str, str]:
    return function.imported_from or function.fn.__code__.co_filename, function.name
