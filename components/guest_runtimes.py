"""The interpreters that carry out source components, as this site's processes share them.

Two builds of one interpreter differ, and with them the order of sets in the code that they run. So the first one that
was deployed with is kept in the database, and everybody takes that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from components.models import Blob, Component
from components.wasm_cache import compile_cache, wasm_engine
from engine.deployment.spec import Runner
from engine.errors import DeploymentError
from engine.guests.host_call import reading_call
from engine.guests.javascript.runtime_file import JAVASCRIPT_RUNTIME
from engine.guests.javascript.source import JavaScriptReader
from engine.guests.program import Runtime
from engine.guests.python.build import python_runtime, source_digest
from engine.wasm.component import CompiledComponent, digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonRuntime:
    """The Python runtime of this site.

    Args:
        source: Digest of what it was built from.
        digest: Digest of its binary.
        path: The binary, if it was built on this machine and may have to be stored.
        reader: Reads the files of components.
    """

    source: str
    digest: str
    path: Path | None
    reader: Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaScriptRuntime:
    """The JavaScript runtime, which comes with the program.

    Args:
        digest: Digest of its binary.
        path: The binary.
        reader: Reads the files of components.
    """

    digest: str
    path: Path
    reader: JavaScriptReader


_loaded: dict[str, PythonRuntime] = {}
_loaded_javascript: list[JavaScriptRuntime] = []


def load_javascript_runtime(on_progress: Callable[[str], None]) -> JavaScriptRuntime:
    """Return the JavaScript runtime, compiled if need be.

    Args:
        on_progress: Called with one sentence before something that takes long.
    """
    if not _loaded_javascript:
        digest = digest_of(JAVASCRIPT_RUNTIME.read_bytes())
        compiled = _compiled(digest, JAVASCRIPT_RUNTIME.read_bytes, on_progress, language="JavaScript")
        reader = JavaScriptReader(compiled)
        _loaded_javascript.append(JavaScriptRuntime(digest=digest, path=JAVASCRIPT_RUNTIME, reader=reader))
    return _loaded_javascript[0]


def load_python_runtime(on_progress: Callable[[str], None]) -> PythonRuntime:
    """Return the Python runtime, fetched, built and compiled if need be.

    Args:
        on_progress: Called with one sentence before something that takes long.

    Raises:
        DeploymentError: If it cannot be built.
    """
    source = source_digest()
    known = _loaded.get(source)
    if known is None or _is_gone(known):
        known = _loaded[source] = _stored(source, on_progress) or _built(source, on_progress)
    return known


def _is_gone(runtime: PythonRuntime) -> bool:
    """Tell whether the database had it and has it no more, since nothing needed it."""
    return runtime.path is None and not Blob.objects.filter(digest=runtime.digest).exists()


def _stored(source: str, on_progress: Callable[[str], None]) -> PythonRuntime | None:
    rows = Component.objects.filter(runner=Runner.SOURCE.value, config__source__runtime=source).order_by("-id")
    row = rows.select_related("wasm").defer("wasm__content").first()
    if row is None or row.wasm is None:
        return None
    blob = row.wasm
    compiled = _compiled(blob.digest, lambda: bytes(blob.content), on_progress)
    return PythonRuntime(source=source, digest=blob.digest, path=None, reader=Runtime(compiled, reading_call))


def _built(source: str, on_progress: Callable[[str], None]) -> PythonRuntime:
    built = python_runtime(Path(settings.OBELISK_RUNTIMES_DIR), on_progress=on_progress)
    compiled = _compiled(built.digest, built.path.read_bytes, on_progress)
    if compiled.digest != built.digest:
        raise DeploymentError(f"{built.path} is damaged; delete it, and it is built anew")
    return PythonRuntime(source=source, digest=built.digest, path=built.path, reader=Runtime(compiled, reading_call))


def _compiled(
    digest: str, read: Callable[[], bytes], on_progress: Callable[[str], None], *, language: str = "Python"
) -> CompiledComponent:
    engine, cache = wasm_engine(Runner.SOURCE), compile_cache()
    found = cache.load(engine, digest)
    if found is None:
        on_progress(f"compiling the {language} runtime (once, some seconds)")
        found = cache.compile(engine, read())
    return found
