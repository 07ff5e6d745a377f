"""``[[activity_js]]``, ``[[workflow_js]]`` and ``[[webhook_endpoint_js]]``: components that are JavaScript files.

Source:
    Obelisk reference, sections 1.2, 1.5 and 8.
"""

from __future__ import annotations

from components.manifest.declared import default_name
from components.manifest.entries import FileReference, InlineSource, JavaScriptEntry
from components.manifest.hosts import read_host_rules
from components.manifest.limits import read_limits
from components.manifest.routes import read_webhook
from components.manifest.shared_keys import (
    DEFAULT_BACKOFF,
    DEFAULT_MAX_RETRIES,
    read_component_digest,
    read_digest,
    read_env_vars,
    read_exec,
    read_log_level,
    read_name,
)
from components.manifest.single_function import read_file_or_content, read_function
from components.manifest.table_reader import TableReader
from components.manifest.workflow_policy import read_policy
from engine.deployment.spec import ComponentType, ExecPolicy, RetryPolicy, StreamTarget

_MAX_TEXT = 1 << 20


def read_activity_js(reader: TableReader) -> JavaScriptEntry:
    """Read an ``[[activity_js]]`` table."""
    function = read_function(reader)
    name = read_name(reader, default=default_name(function.name))
    entry = JavaScriptEntry(
        place=reader.place,
        component_type=ComponentType.ACTIVITY,
        name=name,
        source=_read_source(reader, name),
        file_digests=_read_file_digests(reader),
        component_digest=read_component_digest(reader),
        function=function,
        exec=read_exec(reader, is_workflow=False),
        retry=RetryPolicy(
            max_retries=reader.integer("max_retries", default=DEFAULT_MAX_RETRIES),
            backoff=reader.duration("retry_exp_backoff", default=DEFAULT_BACKOFF),
        ),
        policy=None,
        webhook=None,
        env_vars=read_env_vars(reader),
        allowed_hosts=read_host_rules(reader),
        stdout=reader.choice("forward_stdout", StreamTarget, default=StreamTarget.DB),
        stderr=reader.choice("forward_stderr", StreamTarget, default=StreamTarget.DB),
        log_level=read_log_level(reader),
        limits=read_limits(reader),
    )
    reader.refuse_unknown_keys()
    return entry


def read_workflow_js(reader: TableReader) -> JavaScriptEntry:
    """Read a ``[[workflow_js]]`` table."""
    function = read_function(reader)
    name = read_name(reader, default=default_name(function.name))
    backoff = reader.duration("retry_exp_backoff", default=DEFAULT_BACKOFF)
    if not backoff:
        reader.refuse("retry_exp_backoff", "must be longer than zero for a workflow")
    entry = JavaScriptEntry(
        place=reader.place,
        component_type=ComponentType.WORKFLOW,
        name=name,
        source=_read_source(reader, name),
        file_digests=_read_file_digests(reader),
        component_digest=read_component_digest(reader),
        function=function,
        exec=read_exec(reader, is_workflow=True),
        retry=RetryPolicy(max_retries=None, backoff=backoff),
        policy=read_policy(reader),
        webhook=None,
        env_vars=(),
        allowed_hosts=(),
        stdout=StreamTarget.NONE,
        stderr=StreamTarget.NONE,
        log_level=read_log_level(reader),
        limits=read_limits(reader),
    )
    reader.refuse_unknown_keys()
    return entry


def read_webhook_endpoint_js(reader: TableReader) -> JavaScriptEntry:
    """Read a ``[[webhook_endpoint_js]]`` table."""
    name = read_name(reader)
    entry = JavaScriptEntry(
        place=reader.place,
        component_type=ComponentType.WEBHOOK_ENDPOINT,
        name=name,
        source=_read_source(reader, name),
        file_digests=_read_file_digests(reader),
        component_digest=None,
        function=None,
        exec=ExecPolicy(),
        retry=RetryPolicy(max_retries=0, backoff=DEFAULT_BACKOFF),
        policy=None,
        webhook=read_webhook(reader),
        env_vars=read_env_vars(reader),
        allowed_hosts=read_host_rules(reader),
        stdout=reader.choice("forward_stdout", StreamTarget, default=StreamTarget.DB),
        stderr=reader.choice("forward_stderr", StreamTarget, default=StreamTarget.DB),
        log_level=read_log_level(reader),
        limits=read_limits(reader),
    )
    reader.refuse_unknown_keys()
    return entry


def _read_source(reader: TableReader, name: str) -> FileReference | InlineSource:
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
