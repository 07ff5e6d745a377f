"""What the entries of a deployment file say, as one kind of identity and one kind of configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from components.config_codec import ComponentConfig
from components.manifest import (
    ActivityEntry,
    BinaryEntry,
    DeclaredActivityEntry,
    DeclaredFunction,
    WebhookEntry,
    WorkflowEntry,
)
from components.manifest.files import content_digest
from components.manifest.shared_keys import DEFAULT_BACKOFF
from engine.deployment.declaration import declaration_parts
from engine.deployment.spec import ComponentId, ComponentType, ExecPolicy, LogLevel, RetryPolicy, StreamTarget


def make_id(entry: BinaryEntry, *, digest: str) -> ComponentId:
    """Return the identity of an entry's component."""
    match entry:
        case ActivityEntry():
            component_type = ComponentType.ACTIVITY
        case WorkflowEntry():
            component_type = ComponentType.WORKFLOW
        case WebhookEntry():
            component_type = ComponentType.WEBHOOK_ENDPOINT
        case DeclaredActivityEntry():
            component_type = entry.component_type
        case _:
            assert_never(entry)
    return ComponentId(component_type=component_type, name=entry.name, digest=digest)


def entry_config(entry: BinaryEntry, *, backtrace_sources: Mapping[str, str]) -> ComponentConfig:
    """Return an entry's configuration.

    Args:
        entry: The entry.
        backtrace_sources: Digests of the source files it names, by frame path.
    """
    match entry:
        case ActivityEntry():
            return ComponentConfig(
                retry=entry.retry,
                exec=entry.exec,
                workflow=None,
                env_vars=entry.env_vars,
                allowed_hosts=entry.allowed_hosts,
                stdout=entry.stdout,
                stderr=entry.stderr,
                stub_wasi=False,
                backtrace_sources={},
                log_level=entry.log_level,
                limits=entry.limits,
            )
        case WorkflowEntry():
            return ComponentConfig(
                retry=entry.retry,
                exec=entry.exec,
                workflow=entry.policy,
                env_vars=(),
                allowed_hosts=(),
                stdout=StreamTarget.NONE,
                stderr=StreamTarget.NONE,
                stub_wasi=entry.stub_wasi,
                backtrace_sources=backtrace_sources,
                log_level=entry.log_level,
                limits=entry.limits,
            )
        case WebhookEntry():
            return ComponentConfig(
                retry=RetryPolicy(max_retries=0, backoff=DEFAULT_BACKOFF),
                exec=ExecPolicy(),
                workflow=None,
                env_vars=entry.env_vars,
                allowed_hosts=entry.allowed_hosts,
                stdout=entry.stdout,
                stderr=entry.stderr,
                stub_wasi=False,
                backtrace_sources=backtrace_sources,
                log_level=entry.log_level,
                webhook=entry.mount,
                limits=entry.limits,
            )
        case DeclaredActivityEntry():
            # Nobody here runs it: what is retried and locked is decided by whoever brings the result.
            return ComponentConfig(
                retry=RetryPolicy(max_retries=0, backoff=DEFAULT_BACKOFF),
                exec=ExecPolicy(),
                workflow=None,
                env_vars=(),
                allowed_hosts=(),
                stdout=StreamTarget.NONE,
                stderr=StreamTarget.NONE,
                stub_wasi=False,
                backtrace_sources={},
                log_level=LogLevel.DEBUG,
                type_names=entry.source.type_names if isinstance(entry.source, DeclaredFunction) else {},
            )
        case _:
            assert_never(entry)


def declared_digest(entry: DeclaredActivityEntry, function: DeclaredFunction) -> str:
    """Return the digest of a component that consists of one declared function.

    Source:
        Obelisk reference, section 1.3; the line breaks are ours, so that no two declarations run together.
    """
    parts = (f"{entry.table}_inline:", *declaration_parts(function.name, function.type, function.type_names))
    return content_digest("\n".join(parts).encode())
