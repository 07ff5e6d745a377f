"""Deployments made on the spot: folders of tiny components whose functions take nothing and return ``result``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from engine.deployment.spec import ComponentSpec, DeploymentSpec, Runner
from engine.wasm import compile_cache

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples" / "deployment.toml"
TEST_COMPONENTS = REPOSITORY / "tests" / "components" / "deployment.toml"


def make_wasm(
    *,
    exports: Mapping[str, Sequence[str]] | None = None,
    imports: Mapping[str, Sequence[str]] | None = None,
    salt: int = 0,
) -> bytes:
    """Make a component of functions ``func() -> result``.

    Args:
        exports: Names of exported functions by interface.
        imports: Names of imported functions by interface.
        salt: Changes the bytes and nothing else.
    """
    parts = [
        f'(core module $m (func (export "run") (result i32) i32.const 0) (func i32.const {salt} drop))',
        "(core instance $i (instantiate $m))",
        '(func $run (result (result)) (canon lift (core func $i "run")))',
    ]
    for interface, functions in (imports or {}).items():
        types = " ".join(f'(export "{name}" (func (result (result))))' for name in functions)
        parts.append(f'(import "{interface}" (instance {types}))')
    for number, (interface, functions) in enumerate((exports or {}).items()):
        items = " ".join(f'(export "{name}" (func $run))' for name in functions)
        parts += [f"(instance $e{number} {items})", f'(export "{interface}" (instance $e{number}))']
    return bytes(wat2wasm(f"(component {' '.join(parts)})"))


def write_deployment(folder: Path, toml: str, **files: bytes) -> Path:
    """Write a deployment file and ``name.wasm`` for every named content; return the file's path."""
    for name, content in files.items():
        (folder / f"{name}.wasm").write_bytes(content)
    path = folder / "deployment.toml"
    path.write_text(toml)
    return path


def activity_table(name: str, extra: str = "") -> str:
    """Return an ``[[activity_wasm]]`` table for ``name.wasm``."""
    return f'[[activity_wasm]]\nname = "{name}"\nlocation = "{name}.wasm"\n{extra}\n'


def workflow_table(name: str, extra: str = "") -> str:
    """Return a ``[[workflow_wasm]]`` table for ``name.wasm``."""
    return f'[[workflow_wasm]]\nname = "{name}"\nlocation = "{name}.wasm"\n{extra}\n'


def from_file(deployment: DeploymentSpec) -> tuple[ComponentSpec, ...]:
    """Return the components that the deployment file names, without the activities of the installed apps."""
    return tuple(component for component in deployment.components if component.runner is not Runner.HOST)


def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have whatever compiles anything from now on fail the test."""
    monkeypatch.setattr(compile_cache, "compile_component", lambda *_: pytest.fail("something is compiled"))
