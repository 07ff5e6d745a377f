"""The Python runtime: CPython with the ``obelisk`` package in one component, built on demand and kept.

It is too large to be part of the source tree (20 to 30 MB). Building needs nothing but Python packages: pip fetches
componentize-py, pinned with hashes, into a directory of its own. Two builds of the same sources differ in bytes (and in
the order of sets), so whoever deploys pins the digest of the one that was used.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.errors import RuntimeUnavailable
from engine.guests.python.zone_files import zone_module

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]
_REQUIREMENTS = _HERE / "requirements.txt"
_ZONE_FILES = _HERE / "zone_files.py"
_WORLD = _HERE.parent / "wit" / "world.wit"
_MAX_BUILD_S = 900
_SHOWN_CHARACTERS = 2000


def _ignore(message: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class BuiltRuntime:
    """A runtime's binary on disk, and its content digest."""

    path: Path
    digest: str


def python_runtime(directory: Path, *, on_progress: Callable[[str], None] = _ignore) -> BuiltRuntime:
    """Return the runtime's binary, built now or before.

    Args:
        directory: Where binaries and tools are kept; made if it does not exist.
        on_progress: Called with one sentence before something that takes long.

    Raises:
        RuntimeUnavailable: If it cannot be built; tells what failed.
    """
    built = _find(directory)
    if built is None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RuntimeUnavailable(f"the Python runtime cannot be built in {directory}: {error.strerror}") from error
        # Said before the lock is waited for: another process may be about it.
        on_progress("building the Python runtime (once, about a minute)")
        with _locked(directory / "build.lock"):
            built = _find(directory) or _build(directory, on_progress=on_progress)
    return built


def _find(directory: Path) -> BuiltRuntime | None:
    # Named by its content too, so that whoever wants the digest alone need not read 30 MB.
    for path in sorted(directory.glob(f"{_stem()}-*.wasm")):
        return BuiltRuntime(path, f"sha256:{path.stem.rpartition('-')[2]}")
    return None


def _stem() -> str:
    return f"python-{source_digest()[:16]}"


@lru_cache
def source_digest() -> str:
    """Return the hex digest of everything that the runtime is built from."""
    digest = hashlib.sha256()
    for path in (*_modules(), _ZONE_FILES, _WORLD, _REQUIREMENTS):
        digest.update(f"{path.relative_to(_ROOT).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _modules() -> list[Path]:
    packages = [_ROOT / "engine" / "__init__.py", _HERE.parent / "__init__.py", _HERE / "__init__.py"]
    runtime = sorted((_HERE / "runtime").glob("*.py"))
    return [*packages, *runtime, *sorted((_ROOT / "obelisk").glob("*.py"))]


def _build(directory: Path, *, on_progress: Callable[[str], None]) -> BuiltRuntime:
    packages = _install_tools(directory / "tools", on_progress)
    with tempfile.TemporaryDirectory(dir=directory, prefix="tmp-") as temporary:
        stage = Path(temporary)
        for module in _modules():
            target = stage / "app" / module.relative_to(_ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(module, target)
        (stage / "app" / "guest_app.py").write_text("from engine.guests.python.runtime.app import Runtime\n")
        (stage / "app" / "zone_data.py").write_text(zone_module(packages))
        built = stage / "runtime.wasm"
        _run(
            [
                *(
                    sys.executable,
                    str(packages / "bin" / "componentize-py"),
                    "-d",
                    str(_WORLD.parent),
                    "-w",
                    "source-runtime",
                ),
                *("componentize", "guest_app", "-p", str(stage / "app"), "-o", str(built)),
            ],
            what="building the Python runtime",
            environ={"PYTHONPATH": str(packages), "PYTHONHASHSEED": "0"},
        )
        digest = hashlib.sha256(built.read_bytes()).hexdigest()
        return BuiltRuntime(built.replace(directory / f"{_stem()}-{digest}.wasm"), f"sha256:{digest}")


def _install_tools(tools: Path, on_progress: Callable[[str], None]) -> Path:
    packages = tools / hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:16]
    if packages.exists():
        return packages
    on_progress("installing componentize-py, which builds the Python runtime (once)")
    tools.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tools, prefix="tmp-") as temporary:
        target = Path(temporary) / "packages"
        _run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
                *("--require-hashes", "--only-binary", ":all:", "--target", str(target), "-r", str(_REQUIREMENTS)),
            ],
            what="installing componentize-py",
            environ={},
        )
        target.replace(packages)
    return packages


def _run(command: list[str], *, what: str, environ: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_MAX_BUILD_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeUnavailable(f"{what} failed: {error}") from error
    if done.returncode:
        output = done.stdout.decode(errors="replace").strip()[-_SHOWN_CHARACTERS:]
        raise RuntimeUnavailable(f"{what} failed with status {done.returncode}: {output}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # The lock ends with the process that holds it, however that dies.
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
