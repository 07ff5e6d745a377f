"""wasmtime's linker, filled with Python's definitions."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from ctypes import addressof, c_void_p

from engine.errors import LinkError
from engine.wasm import native
from engine.wasm.engine import WasmEngine
from engine.wasm.host_functions import (
    HostFunction,
    HostResource,
    make_drop_callback,
    make_function_callback,
)
from engine.wasm.introspection import ROOT
from engine.wasm.native import Address, Callback
from engine.wit.types import FunctionType


class Linker:
    """A linker and the callbacks in it; instances may be made from it on several threads at once.

    Args:
        engine: The engine whose runs call the definitions.
    """

    def __init__(self, engine: WasmEngine) -> None:
        self._engine = engine
        self.address: Address = native.linker_new(engine.address)
        # C code refers to these for as long as the linker lives.
        self._callbacks: list[Callback] = []
        # Not at exit: threads that still run wasm then would lose it under their feet.
        weakref.finalize(self, native.linker_delete, self.address).atexit = False

    def define(
        self,
        interface: str,
        functions: Mapping[str, tuple[HostFunction, FunctionType]],
        resources: Mapping[str, HostResource],
    ) -> None:
        """Define an interface.

        Args:
            interface: The name under which a component imports it, or ``ROOT``.
            functions: Definition and imported type of each function by its name.
            resources: Every resource that has a name in the interface.

        Raises:
            LinkError: If wasmtime refuses a definition.
        """
        root = native.linker_root(self.address)
        instance = root
        try:
            if interface != ROOT:
                instance = self._new_instance(root, interface)
            for name, resource in resources.items():
                self._define_resource(instance, name, resource)
            type_ids = {name: resource.type_id for name, resource in resources.items()}
            for name, (function, function_type) in functions.items():
                self._define_function(instance, name, function, function_type, type_ids)
        finally:
            if instance != root:
                native.linker_instance_delete(instance)
            native.linker_instance_delete(root)

    def _new_instance(self, root: Address, name: str) -> Address:
        instance = c_void_p()
        encoded = name.encode()
        error = native.linker_add_instance(root, encoded, len(encoded), addressof(instance))
        _check(error, name)
        return instance.value or 0

    def _define_resource(self, instance: Address, name: str, resource: HostResource) -> None:
        callback = make_drop_callback(self._engine.runs, resource)
        self._callbacks.append(callback)
        encoded = name.encode()
        resource_type = native.resource_type_new(resource.type_id)
        error = native.linker_add_resource(
            instance, encoded, len(encoded), resource_type, native.callback_address(callback), None, None
        )
        native.resource_type_delete(resource_type)
        _check(error, name)

    def _define_function(
        self,
        instance: Address,
        name: str,
        function: HostFunction,
        function_type: FunctionType,
        type_ids: Mapping[str, int],
    ) -> None:
        callback = make_function_callback(self._engine.runs, function, function_type, type_ids)
        self._callbacks.append(callback)
        encoded = name.encode()
        error = native.linker_add_function(
            instance, encoded, len(encoded), native.callback_address(callback), None, None
        )
        _check(error, name)


def _check(error: Address | None, name: str) -> None:
    if error:
        raise LinkError(f"cannot define {name}: {native.take_error(error)}")
