"""``[[webhook_endpoint_wasm]]``: a compiled component that answers HTTP requests.

Source:
    Obelisk reference, sections 1.2 and 8.
"""

from __future__ import annotations

from components.manifest.backtrace_sources import read_backtrace_sources
from components.manifest.entries import WebhookEntry
from components.manifest.routes import read_webhook
from components.manifest.run_keys import read_outside, read_watching
from components.manifest.shared_keys import read_file, read_name
from components.manifest.table_reader import TableReader


def read_webhook_endpoint(reader: TableReader) -> WebhookEntry:
    """Read a ``[[webhook_endpoint_wasm]]`` table."""
    entry = WebhookEntry(
        place=reader.place,
        name=read_name(reader),
        file=read_file(reader),
        mount=read_webhook(reader),
        backtrace_sources=read_backtrace_sources(reader),
        **read_outside(reader),
        **read_watching(reader),
    )
    reader.refuse_unknown_keys()
    return entry
