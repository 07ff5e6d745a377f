"""``wasi:filesystem``: there is none. No directory is opened for a guest, so nobody can have a descriptor."""

from __future__ import annotations

from engine.host.wasi.clocks import TYPES as CLOCK_TYPES
from engine.host.wasi.definition import Definition
from engine.host.wasi.io_error import ERROR
from engine.host.wasi.state import WasiContext
from engine.host.wasi.streams import INPUT_STREAM, OUTPUT_STREAM
from engine.wasm.host_functions import HostResource
from engine.wit.options import JsonValue

DESCRIPTOR = HostResource(name="descriptor")
DIRECTORY_ENTRY_STREAM = HostResource(name="directory-entry-stream")

_TYPES = {
    **CLOCK_TYPES,
    "error-code": "enum { access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large, "
    "illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links, message-size, "
    "name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space, not-directory, not-empty, "
    "not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek, "
    "text-file-busy, cross-device }",
    "descriptor-type": "enum { unknown, block-device, character-device, directory, fifo, symbolic-link, regular-file, "
    "socket }",
    "descriptor-flags": "flags { read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, "
    "mutate-directory }",
    "path-flags": "flags { symlink-follow }",
    "open-flags": "flags { create, directory, exclusive, truncate }",
    "descriptor-stat": "record { %type: $descriptor-type, link-count: u64, size: u64, "
    "data-access-timestamp: option<$datetime>, data-modification-timestamp: option<$datetime>, "
    "status-change-timestamp: option<$datetime> }",
    "new-timestamp": "variant { no-change, now, timestamp($datetime) }",
    "directory-entry": "record { %type: $descriptor-type, name: string }",
    "advice": "enum { normal, sequential, random, will-need, dont-need, no-reuse }",
    "hash": "record { lower: u64, upper: u64 }",
}

_files = Definition(
    """
    descriptor.read-via-stream(offset: u64) -> result<own<input-stream>, $error-code>
    descriptor.write-via-stream(offset: u64) -> result<own<output-stream>, $error-code>
    descriptor.append-via-stream() -> result<own<output-stream>, $error-code>
    descriptor.advise(offset: u64, length: u64, advice: $advice) -> result<_, $error-code>
    descriptor.sync-data() -> result<_, $error-code>
    descriptor.get-flags() -> result<$descriptor-flags, $error-code>
    descriptor.get-type() -> result<$descriptor-type, $error-code>
    descriptor.set-size(size: u64) -> result<_, $error-code>
    descriptor.set-times(access: $new-timestamp, modification: $new-timestamp) -> result<_, $error-code>
    descriptor.read(length: u64, offset: u64) -> result<tuple<list<u8>, bool>, $error-code>
    descriptor.write(buffer: list<u8>, offset: u64) -> result<u64, $error-code>
    descriptor.read-directory() -> result<own<directory-entry-stream>, $error-code>
    descriptor.sync() -> result<_, $error-code>
    descriptor.create-directory-at(path: string) -> result<_, $error-code>
    descriptor.stat() -> result<$descriptor-stat, $error-code>
    descriptor.stat-at(path-flags: $path-flags, path: string) -> result<$descriptor-stat, $error-code>
    descriptor.set-times-at(path-flags: $path-flags, path: string, access: $new-timestamp, modification: $new-timestamp) -> result<_, $error-code>
    descriptor.link-at(old-path-flags: $path-flags, old-path: string, new-descriptor: borrow<descriptor>, new-path: string) -> result<_, $error-code>
    descriptor.open-at(path-flags: $path-flags, path: string, open-flags: $open-flags, %flags: $descriptor-flags) -> result<own<descriptor>, $error-code>
    descriptor.readlink-at(path: string) -> result<string, $error-code>
    descriptor.remove-directory-at(path: string) -> result<_, $error-code>
    descriptor.rename-at(old-path: string, new-descriptor: borrow<descriptor>, new-path: string) -> result<_, $error-code>
    descriptor.symlink-at(old-path: string, new-path: string) -> result<_, $error-code>
    descriptor.unlink-file-at(path: string) -> result<_, $error-code>
    descriptor.is-same-object(other: borrow<descriptor>) -> bool
    descriptor.metadata-hash() -> result<$hash, $error-code>
    descriptor.metadata-hash-at(path-flags: $path-flags, path: string) -> result<$hash, $error-code>
    directory-entry-stream.read-directory-entry() -> result<option<$directory-entry>, $error-code>
    filesystem-error-code(err: borrow<error>) -> option<$error-code>
    """,  # noqa: E501 - a signature is one line
    types=_TYPES,
    resources={
        "descriptor": DESCRIPTOR,
        "directory-entry-stream": DIRECTORY_ENTRY_STREAM,
        "error": ERROR,
        "input-stream": INPUT_STREAM,
        "output-stream": OUTPUT_STREAM,
    },
)
_preopens = Definition(
    "get-directories() -> list<tuple<own<descriptor>, string>>", resources={"descriptor": DESCRIPTOR}
)


@_files.call("filesystem-error-code")
def _filesystem_error_code(_context: WasiContext, _error: int) -> None:
    """No error of a stream comes from a file."""


@_preopens.call("get-directories")
def _get_directories(_context: WasiContext) -> JsonValue:
    return []


_files.refuse_rest("the sandbox has no files")

FILESYSTEM_INTERFACE = _files.finish()
PREOPENS_INTERFACE = _preopens.finish()
