"""``[[activity_js]]``, ``[[workflow_js]]`` and ``[[webhook_endpoint_js]]``: components that are JavaScript files.

Source:
    Obelisk reference, sections 1.2, 1.5 and 8.
"""

from __future__ import annotations

from typing import TypedDict

from components.manifest.entries import FileReference, InlineSource, JavaScriptEntry
from components.manifest.routes import read_webhook
from components.manifest.run_keys import (
    NO_OUTSIDE,
    read_activity_run,
    read_outside,
    read_watching,
    read_workflow_run,
)
from components.manifest.shared_keys import DEFAULT_BACKOFF, read_digest, read_name
from components.manifest.single_function import default_name, read_file_or_content, read_function
from components.manifest.table_reader import TableReader
from engine.deployment.spec import ComponentType, ExecPolicy, RetryPolicy

_MAX_TEXT = 1 << 20


class _Source(TypedDict):
    """Which files a component is made of."""

    name: str
    source: FileReference | InlineSource
    file_digests: dict[str, str]


def read_activity_js(reader: TableReader) -> JavaScriptEntry:
    """Read an ``[[activity_js]]`` table."""
    function = read_function(reader)
    entry = JavaScriptEntry(
        place=reader.place,
        component_type=ComponentType.ACTIVITY,
        **_read_source(reader, name=read_name(reader, default=default_name(function.name))),
        function=function,
        **read_activity_run(reader),
        policy=None,
        webhook=None,
        **read_outside(reader),
    )
    reader.refuse_unknown_keys()
    return entry


def read_workflow_js(reader: TableReader) -> JavaScriptEntry:
    """Read a ``[[workflow_js]]`` table."""
    function = read_function(reader)
    entry = JavaScriptEntry(
        place=reader.place,
        component_type=ComponentType.WORKFLOW,
        **_read_source(reader, name=read_name(reader, default=default_name(function.name))),
        function=function,
        **read_workflow_run(reader),
        webhook=None,
        **NO_OUTSIDE,
    )
    reader.refuse_unknown_keys()
    return entry


def read_webhook_endpoint_js(reader: TableReader) -> JavaScriptEntry:
    """Read a ``[[webhook_endpoint_js]]`` table."""
    entry = JavaScriptEntry(
        place=reader.place,
        component_type=ComponentType.WEBHOOK_ENDPOINT,
        **_read_source(reader, name=read_name(reader)),
        component_digest=None,
        function=None,
        exec=ExecPolicy(),
        retry=RetryPolicy(max_retries=0, backoff=DEFAULT_BACKOFF),
        policy=None,
        webhook=read_webhook(reader),
        **read_watching(reader),
        **read_outside(reader),
    )
    reader.refuse_unknown_keys()
    return entry


def _read_source(reader: TableReader, *, name: str) -> _Source:
    return _Source(name=name, source=_read_main(reader, name), file_digests=_read_file_digests(reader))


def _read_main(reader: TableReader, name: str) -> FileReference | InlineSource:
    content = read_file_or_content(reader)
    if isinstance(content, FileReference):
        return content
    if not content.strip():
        reader.refuse("content", "is empty")
    if len(content) > _MAX_TEXT:
        reader.refuse("content", f"is longer than {_MAX_TEXT} characters")
    return InlineSource(path=f"{name or 'component'}.js", text=content)


def _read_file_digests(reader: TableReader) -> dict[str, str]:
    """Read the generated ``component_files``: the digest of each file by its path."""
    table = reader.table("component_files")
    digests: dict[str, str] = {}
    for path in table.keys() if table is not None else ():  # a reader is no mapping
        assert table is not None
        digest = read_digest(table, path)
        if digest is not None:
            digests[path] = digest
    return digests
