"""A component, compiled and described."""

from __future__ import annotations

import hashlib

from wasmtime import WasmtimeError, component

from engine.errors import InvalidComponent
from engine.wasm import fork_guard, native
from engine.wasm.engine import WasmEngine
from engine.wasm.introspection import ComponentShape, describe
from engine.wasm.native import Address

_MAGIC = b"\0asm"
_COMPONENT_LAYER = b"\x0d\0\x01\0"
_MODULE_LAYER = b"\x01\0\0\0"


class CompiledComponent:
    """Machine code of one component, ready to be linked; safe to share between threads.

    Args:
        engine: The engine that compiled or loaded it.
        handle: wasmtime's own object.
        digest: ``sha256:`` and the hex digest of the component's bytes.
        wasm_bytes: Size of the component before compilation.

    Raises:
        InvalidComponent: If it uses what the engine does not support.
    """

    __slots__ = ("__weakref__", "address", "digest", "engine", "handle", "shape", "wasm_bytes")

    def __init__(self, engine: WasmEngine, handle: component.Component, *, digest: str, wasm_bytes: int) -> None:
        self.engine = engine
        self.handle = handle
        self.address: Address = native.pointer_of(handle)
        self.digest = digest
        self.wasm_bytes = wasm_bytes
        self.shape: ComponentShape = describe(handle, engine.handle)

    def __repr__(self) -> str:
        """Return the digest in short."""
        return f"<CompiledComponent {self.digest[:19]}>"


def digest_of(wasm: bytes) -> str:
    """Return the digest that names a component: ``sha256:`` and 64 hex digits."""
    return "sha256:" + hashlib.sha256(wasm).hexdigest()


def check_header(wasm: bytes) -> None:
    """Check that bytes look like a component in binary form.

    Raises:
        InvalidComponent: If they do not; the message says what they are instead.
    """
    if wasm[:4] != _MAGIC:
        raise InvalidComponent("this is not WebAssembly: the file does not begin with its magic number")
    if wasm[4:8] == _MODULE_LAYER:
        raise InvalidComponent("this is a core module, not a component; wrap it with `wasm-tools component new`")
    if wasm[4:8] != _COMPONENT_LAYER:
        raise InvalidComponent("this is WebAssembly of a version that the engine does not know")


def compile_component(engine: WasmEngine, wasm: bytes) -> CompiledComponent:
    """Compile a component; takes about 0.4 s a megabyte. Calls of Python run on meanwhile.

    Raises:
        InvalidComponent: If the bytes are no component, are malformed, or use what the engine does not support.
        WasmError: If this process must not compile, see ``fork_guard``.
    """
    check_header(wasm)
    fork_guard.before_compiling(is_parallel=engine.is_parallel)
    try:
        handle = component.Component(engine.handle, wasm)
    except WasmtimeError as error:
        raise InvalidComponent(f"this component is invalid: {_one_line(str(error))}") from error
    return CompiledComponent(engine, handle, digest=digest_of(wasm), wasm_bytes=len(wasm))


def _one_line(text: str) -> str:
    """Return an error's text, whose causes stand in lines of their own, as one sentence."""
    parts = (line.strip() for line in text.replace("Caused by:", "").splitlines())
    return ": ".join(part.rstrip(":") for part in parts if part)
