"""The files that entries of a deployment file name, as far as the entries themselves tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from components.manifest.entries import (
    ActivityEntry,
    CronEntry,
    DeclaredActivityEntry,
    DeclaredFunction,
    Entry,
    FileReference,
    InlineSource,
    JavaScriptEntry,
    ProcessEntry,
    PythonEntry,
    PythonWebhookEntry,
    WebhookEntry,
    WorkflowEntry,
)
from engine.deployment.spec import ComponentType

_JAVASCRIPT_TABLES = {
    ComponentType.ACTIVITY: "activity_js",
    ComponentType.WORKFLOW: "workflow_js",
    ComponentType.WEBHOOK_ENDPOINT: "webhook_endpoint_js",
}


def table_of(entry: Entry) -> str:
    """Return the name of the table that an entry stands in."""
    match entry:
        case PythonEntry(table=table) | DeclaredActivityEntry(table=table):
            return table
        case JavaScriptEntry(component_type=component_type):
            return _JAVASCRIPT_TABLES[component_type]
        case ActivityEntry():
            return "activity_wasm"
        case WorkflowEntry():
            return "workflow_wasm"
        case ProcessEntry():
            return "activity_exec"
        case WebhookEntry():
            return "webhook_endpoint_wasm"
        case PythonWebhookEntry():
            return "webhook_endpoint_py"
        case CronEntry():
            return "cron"
        case _:
            assert_never(entry)


def file_references(entry: Entry) -> Iterator[FileReference]:
    """Return the files that an entry names, each once; what JavaScript imports besides is found by reading it."""
    match entry:
        case ActivityEntry(file=file):
            yield file
        case WorkflowEntry(file=file, backtrace_sources=sources) | WebhookEntry(file=file, backtrace_sources=sources):
            yield file
            yield from (source for _, source in sources)
        case PythonEntry(sources=files) | PythonWebhookEntry(sources=files):
            yield from (file for file in files if isinstance(file, FileReference))
        case JavaScriptEntry():
            yield from _javascript_files(entry)
        case DeclaredActivityEntry(source=source) | ProcessEntry(source=source):
            if not isinstance(source, InlineSource | DeclaredFunction):
                yield source
        case CronEntry():
            return
        case _:
            assert_never(entry)


def _javascript_files(entry: JavaScriptEntry) -> Iterator[FileReference]:
    main, digests = entry.source, entry.file_digests
    if isinstance(main, InlineSource):
        return
    yield FileReference(path=main.path, content_digest=main.content_digest or digests.get(main.path), key=main.key)
    for path, digest in digests.items():
        if path != main.path:
            yield FileReference(path=path, content_digest=digest, key=f"component_files.{path}")
