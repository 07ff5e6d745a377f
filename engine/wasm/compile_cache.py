"""Compiled components on disk, shared by the processes of a machine.

Loading machine code is as good as running it, so nothing is loaded that this cache has not written: the directory is
private to its user, and every artifact is verified against an HMAC under a key kept there.

An entry is two files: ``<digest>-<hash>.cwasm``, named by its own content so that a writer never changes what a reader
has open, and ``<digest>.json``, which names it and carries the HMAC. Only the replacement of the latter publishes.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from wasmtime import WasmtimeError, component

from engine.errors import InvalidComponent, WasmError
from engine.wasm.component import CompiledComponent, check_header, compile_component, digest_of
from engine.wasm.engine import WasmEngine

DEFAULT_MAX_BYTES: Final = 4 << 30

_KEY_BYTES = 32


class CompileCache:
    """Compiles each component once per machine, version of wasmtime and engine settings.

    Safe to use from any number of threads and processes; whoever comes while another compiles waits and loads. Files
    that were damaged or come from elsewhere are compiled anew.

    Args:
        directory: Where artifacts live; made, private to this user, if it does not exist.
        max_bytes: How much room artifacts may take. The ones unused for longest are deleted first.

    Raises:
        WasmError: If the directory exists and others may write to it.
    """

    def __init__(self, directory: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise WasmError(f"compile cache {directory} must belong to this user and be writable by nobody else")
        self._directory = directory
        self._max_bytes = max_bytes
        self._key = self._load_key()

    def compile(self, engine: WasmEngine, wasm: bytes) -> CompiledComponent:
        """Return a component, compiled now or at an earlier time.

        Raises:
            InvalidComponent: If the bytes are no component that the engine can run.
            WasmError: If it has to be compiled and this process must not, see ``fork_guard``.
        """
        check_header(wasm)
        digest = digest_of(wasm)
        found = self.load(engine, digest)
        if found is not None:
            return found
        with self._locked(engine, digest):
            found = self.load(engine, digest)
            if found is not None:
                return found
            compiled = compile_component(engine, wasm)
            # A full disk costs the next process a compilation, but not this one its component.
            with suppress(OSError):
                self._store(engine, compiled)
        with suppress(OSError):
            self._evict()
        return compiled

    def load(self, engine: WasmEngine, digest: str) -> CompiledComponent | None:
        """Return a component that was compiled before, by its digest; ``None`` if there is none.

        Never compiles, so it is safe in a forked process.
        """
        entry = self._entry(engine, digest)
        try:
            record = json.loads(entry.read_bytes())
            artifact = self._directory / record["artifact"]
            wasm_bytes = int(record["wasm_bytes"])
            if artifact.parent != self._directory or not hmac.compare_digest(
                record["hmac"], self._sign(entry.name, wasm_bytes, artifact)
            ):
                return None
            handle = component.Component.deserialize_file(engine.handle, str(artifact))
            compiled = CompiledComponent(engine, handle, digest=digest, wasm_bytes=wasm_bytes)
            # Tells eviction that the entry is in use.
            os.utime(entry)
        except (OSError, ValueError, KeyError, TypeError, WasmtimeError, InvalidComponent):
            return None
        return compiled

    def _store(self, engine: WasmEngine, compiled: CompiledComponent) -> None:
        content = compiled.handle.serialize()
        entry = self._entry(engine, compiled.digest)
        artifact = self._directory / f"{entry.stem}-{hashlib.sha256(content).hexdigest()[:16]}.cwasm"
        self._write(artifact, content)
        record = {
            "artifact": artifact.name,
            "wasm_bytes": compiled.wasm_bytes,
            "hmac": self._sign(entry.name, compiled.wasm_bytes, artifact),
        }
        self._write(entry, json.dumps(record).encode())
        for stale in self._directory.glob(f"{entry.stem}-*.cwasm"):
            if stale != artifact:
                stale.unlink(missing_ok=True)

    def _entry(self, engine: WasmEngine, digest: str) -> Path:
        return self._directory / f"{digest.removeprefix('sha256:')}-{engine.settings.fingerprint()}.json"

    def _sign(self, entry_name: str, wasm_bytes: int, artifact: Path) -> str:
        signature = hmac.new(self._key, f"{entry_name}\n{wasm_bytes}\n".encode(), "sha256")
        with artifact.open("rb") as file:
            while block := file.read(1 << 20):
                signature.update(block)
        return signature.hexdigest()

    def _load_key(self) -> bytes:
        path = self._directory / "key"
        while True:
            try:
                key = path.read_bytes()
                if len(key) == _KEY_BYTES:
                    return key
                # Cut short by a full disk: what it signed is worthless, so is the key.
                path.unlink(missing_ok=True)
            except FileNotFoundError:
                pass
            with self._written_aside(secrets.token_bytes(_KEY_BYTES)) as written:
                try:
                    os.link(written, path)
                except FileExistsError:
                    continue

    def _write(self, path: Path, content: bytes | bytearray) -> None:
        with self._written_aside(content) as written:
            written.replace(path)

    @contextmanager
    def _written_aside(self, content: bytes | bytearray) -> Iterator[Path]:
        descriptor, name = tempfile.mkstemp(dir=self._directory, prefix="tmp-")
        written = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            yield written
        finally:
            written.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, engine: WasmEngine, digest: str) -> Iterator[None]:
        # The lock ends with the process that holds it, however that dies.
        with self._entry(engine, digest).with_suffix(".lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _evict(self) -> None:
        entries: list[tuple[float, int, Path]] = []
        for entry in self._directory.glob("*.json"):
            artifacts = list(self._directory.glob(f"{entry.stem}-*.cwasm"))
            try:
                size = sum(artifact.stat().st_size for artifact in artifacts)
                entries.append((entry.stat().st_mtime, size, entry))
            except FileNotFoundError:
                continue
        total = sum(size for _, size, _ in entries)
        # The newest stays, whatever its size.
        for _, size, entry in sorted(entries)[:-1]:
            if total <= self._max_bytes:
                return
            entry.unlink(missing_ok=True)
            for part in (*self._directory.glob(f"{entry.stem}-*.cwasm"), entry.with_suffix(".lock")):
                part.unlink(missing_ok=True)
            total -= size
