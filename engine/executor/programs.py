"""Components made ready to run, each once per process."""

from __future__ import annotations

import threading
from typing import Protocol

from engine.deployment.spec import ComponentSpec, ComponentType
from engine.errors import InvalidComponent
from engine.host.imports import imports_for
from engine.wasm.component import CompiledComponent
from engine.wasm.linking import LinkedComponent, link


class ComponentLoader(Protocol):
    """Where compiled components come from."""

    def __call__(self, wasm_digest: str) -> CompiledComponent:
        """Return the component of this content digest, compiled now or before.

        Raises:
            InvalidComponent: If there is none, or it cannot be compiled.
        """
        ...


class Programs:
    """Linked components by what they are.

    Args:
        load: Where compiled components come from.
    """

    def __init__(self, load: ComponentLoader) -> None:
        self._load = load
        self._linked: dict[tuple[str, ComponentType, bool], LinkedComponent] = {}
        self._mutex = threading.Lock()

    def get(self, component: ComponentSpec) -> LinkedComponent:
        """Return a component ready to run.

        Raises:
            InvalidComponent: If it has no binary, or a broken one.
            LinkError: If it imports what the host does not offer.
        """
        if component.wasm_digest is None:
            raise InvalidComponent(f"component {component.id.name} has no binary to run")
        key = (component.wasm_digest, component.id.component_type, component.sandbox.stub_wasi)
        linked = self._linked.get(key)
        if linked is None:
            with self._mutex:
                linked = self._linked.get(key)
                if linked is None:
                    compiled = self._load(component.wasm_digest)
                    imports = imports_for(
                        component.id.component_type, compiled.shape, stub_wasi=component.sandbox.stub_wasi
                    )
                    linked = self._linked[key] = link(compiled.engine, compiled, imports)
        return linked
