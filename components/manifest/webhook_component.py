"""``[[webhook_endpoint_wasm]]``: a compiled component that answers HTTP requests.

Source:
    Obelisk reference, sections 1.2 and 8.
"""

from __future__ import annotations

from components.manifest.backtrace_sources import read_backtrace_sources
from components.manifest.entries import WebhookEntry
from components.manifest.hosts import read_host_rules
from components.manifest.limits import read_limits
from components.manifest.routes import read_webhook
from components.manifest.shared_keys import read_env_vars, read_file, read_log_level, read_name
from components.manifest.table_reader import TableReader
from engine.deployment.spec import StreamTarget


def read_webhook_endpoint(reader: TableReader) -> WebhookEntry:
    """Read a ``[[webhook_endpoint_wasm]]`` table."""
    entry = WebhookEntry(
        place=reader.place,
        name=read_name(reader),
        file=read_file(reader),
        mount=read_webhook(reader),
        env_vars=read_env_vars(reader),
        allowed_hosts=read_host_rules(reader),
        stdout=reader.choice("forward_stdout", StreamTarget, default=StreamTarget.DB),
        stderr=reader.choice("forward_stderr", StreamTarget, default=StreamTarget.DB),
        backtrace_sources=read_backtrace_sources(reader),
        log_level=read_log_level(reader),
        limits=read_limits(reader),
    )
    reader.refuse_unknown_keys()
    return entry
