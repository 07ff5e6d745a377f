"""``backtrace.sources``: the source files that a component's backtraces refer to.

Source:
    Obelisk reference, section 1.2.
"""

from __future__ import annotations

from components.manifest.entries import FileReference
from components.manifest.shared_keys import read_file, read_path
from components.manifest.table_reader import TableReader


def read_backtrace_sources(reader: TableReader) -> tuple[tuple[str, FileReference], ...]:
    """Read ``backtrace.sources``: source files by the frame path (or ``.../suffix``) that backtraces name."""
    backtrace = reader.table("backtrace")
    sources = backtrace.table("sources") if backtrace else None
    files = []
    for frame in sources.keys() if sources else ():
        assert sources is not None
        files.append((frame, _read_source(sources, frame)))
    if backtrace:
        backtrace.refuse_unknown_keys()
    return tuple(files)


def _read_source(sources: TableReader, frame: str) -> FileReference:
    key = f"backtrace.sources.{frame}"
    if not isinstance(sources.value(frame), dict):
        return FileReference(path=read_path(sources, frame), content_digest=None, key=key)
    table = sources.table(frame)
    assert table is not None
    file = read_file(table, key="path")
    table.refuse_unknown_keys()
    return FileReference(path=file.path, content_digest=file.content_digest, key=key)
