"""Components made ready to run, each once per process."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from engine.deployment.spec import ComponentSpec, ComponentType, Runner
from engine.errors import InvalidComponent
from engine.executor.process_program import ProcessProgram, write_program
from engine.guests.host_call import activity_call, webhook_call, workflow_call
from engine.guests.program import GuestProgram, Runtime
from engine.host.imports import imports_for
from engine.wasm.component import CompiledComponent, digest_of
from engine.wasm.instance import InstanceLimits
from engine.wasm.linking import LinkedComponent, link
from engine.wit.options import JsonValue

_CALLS: dict[ComponentType, Callable[..., str]] = {
    ComponentType.ACTIVITY: activity_call,
    ComponentType.WORKFLOW: workflow_call,
    ComponentType.WEBHOOK_ENDPOINT: webhook_call,
}


class ComponentLoader(Protocol):
    """Where compiled components come from."""

    def __call__(self, wasm_digest: str, runner: Runner, /) -> CompiledComponent:
        """Return the component of this content digest, compiled now or before.

        Args:
            wasm_digest: Of the component, or of the interpreter of a source component.
            runner: What it carries out.

        Raises:
            InvalidComponent: If there is none, or it cannot be compiled.
        """
        ...


class FileReader(Protocol):
    """Where the stored files of source components come from."""

    def __call__(self, digest: str) -> bytes:
        """Return the content of this digest.

        Raises:
            EngineError: If there is none.
        """
        ...


class RunningInstance(Protocol):
    """A component at work, with its own memory; to be used in a ``with``, by one thread at a time."""

    def call(self, export: str, function: str, args: Sequence[object]) -> JsonValue:
        """Call an exported function with canonical values; the result is one."""
        ...

    def set_deadline(self, deadline: float | None) -> None:
        """Let the run end ``deadline`` seconds from now; from any thread."""
        ...

    def interrupt(self) -> None:
        """End the run soon, by a trap; from any thread."""
        ...

    def __enter__(self) -> RunningInstance: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class Program(Protocol):
    """A component ready to run, on any number of threads at once."""

    def instantiate(self, *, context: Any, deadline: float | None, limits: InstanceLimits) -> RunningInstance:
        """Make an instance.

        Args:
            context: Handed to every host function that the guest calls.
            deadline: Seconds the run may take.
            limits: What else it may use up.
        """
        ...


class Programs:
    """Linked components by what they are.

    Args:
        load: Where compiled components come from.
        read: Where the files of source components come from; ``None`` if there are none.
    """

    def __init__(self, load: ComponentLoader, read: FileReader | None = None) -> None:
        self._load = load
        self._read = read
        self._linked: dict[tuple[str, ComponentType, bool], LinkedComponent] = {}
        self._runtimes: dict[tuple[str, ComponentType], Runtime] = {}
        self._guests: dict[object, GuestProgram] = {}
        self._processes: dict[str, Path] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._mutex = threading.Lock()

    def get(self, component: ComponentSpec) -> Program:
        """Return a component ready to run.

        Raises:
            InvalidComponent: If it has no binary, or a broken one.
            LinkError: If it imports what the host does not offer.
        """
        if component.runner is Runner.SOURCE:
            return self._guest(component)
        if component.runner is Runner.PROCESS:
            return self._process(component)
        digest = _binary_of(component)
        key = (digest, component.id.component_type, component.sandbox.stub_wasi)
        linked = self._linked.get(key)
        if linked is None:
            with self._mutex:
                linked = self._linked.get(key)
                if linked is None:
                    compiled = self._load(digest, component.runner)
                    imports = imports_for(
                        component.id.component_type, compiled.shape, stub_wasi=component.sandbox.stub_wasi
                    )
                    linked = self._linked[key] = link(compiled.engine, compiled, imports)
        return linked

    def close(self) -> None:
        """Free what is kept for further calls."""
        for program in self._guests.values():
            program.close()
        with self._mutex:
            self._processes.clear()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _process(self, component: ComponentSpec) -> ProcessProgram:
        digest = component.artefact_digest
        if digest is None or self._read is None:
            raise InvalidComponent(f"component {component.id.name} has no stored program to run")
        with self._mutex:
            path = self._processes.get(digest)
            if path is None:
                content = self._read(digest)
                if digest_of(content) != digest:
                    raise InvalidComponent(f"the stored program of component {component.id.name} is not {digest}")
                if self._folder is None:
                    # This process's own: what it runs is what it has checked.
                    self._folder = tempfile.TemporaryDirectory(prefix="obelisk-programs-", ignore_cleanup_errors=True)
                path = Path(self._folder.name) / digest.rpartition(":")[2]
                write_program(content, path)
                self._processes[digest] = path
        return ProcessProgram(component, path)

    def _guest(self, component: ComponentSpec) -> GuestProgram:
        # Not by the digest alone: the deployment's words, such as the environment, and what other components offer are
        # part of it.
        key = (
            component.id.digest,
            _binary_of(component),
            repr(component.sandbox),
            component.limits,
            _names(component),
        )
        program = self._guests.get(key)
        if program is None:
            with self._mutex:
                program = self._guests.get(key)
                if program is None:
                    program = self._guests[key] = self._make_guest(component)
        return program

    def _make_guest(self, component: ComponentSpec) -> GuestProgram:
        if component.artefact_digest is None or self._read is None:
            raise InvalidComponent(f"component {component.id.name} has no stored source to run")
        key = (_binary_of(component), component.id.component_type)
        runtime = self._runtimes.get(key)
        if runtime is None:
            runtime = self._runtimes[key] = Runtime(self._load(key[0], component.runner), _CALLS[key[1]])
        return GuestProgram(runtime, component, self._read(component.artefact_digest))


def _names(component: ComponentSpec) -> tuple[tuple[str, ...], ...]:
    return tuple((str(interface), *functions) for interface, functions in component.imports.items())


def _binary_of(component: ComponentSpec) -> str:
    if component.wasm_digest is None:
        raise InvalidComponent(f"component {component.id.name} has no binary to run")
    return component.wasm_digest
