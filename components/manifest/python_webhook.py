"""``[[webhook_endpoint_py]]``: a Python file that answers HTTP requests. It is ours."""

from __future__ import annotations

from components.manifest.entries import PythonWebhookEntry
from components.manifest.python_source import read_package, read_sources
from components.manifest.routes import read_webhook
from components.manifest.run_keys import read_outside, read_watching
from components.manifest.shared_keys import read_name
from components.manifest.table_reader import TableReader


def read_webhook_endpoint_py(reader: TableReader) -> PythonWebhookEntry:
    """Read a ``[[webhook_endpoint_py]]`` table."""
    entry = PythonWebhookEntry(
        place=reader.place,
        name=read_name(reader),
        sources=read_sources(reader),
        package=read_package(reader),
        mount=read_webhook(reader),
        **read_outside(reader),
        **read_watching(reader),
    )
    reader.refuse_unknown_keys()
    return entry
