"""From an ``[[activity_exec]]`` table to its component; the operator's leave is asked at deploy and before each run."""

from __future__ import annotations

import hashlib

from components.config_codec import ComponentConfig
from components.manifest import ProcessEntry
from components.manifest.files import content_digest
from engine.deployment.declaration import declaration_parts
from engine.deployment.spec import ComponentId, ComponentType, StreamTarget


def program_id(entry: ProcessEntry, content: bytes) -> ComponentId:
    """Return a native program's identity: what runs, as which function.

    Source:
        Obelisk reference, section 1.3; the line breaks are ours, so that no two declarations run together.
    """
    function = entry.function
    parts = (
        f"activity_exec:{content_digest(content)}",
        *declaration_parts(function.name, function.type, function.type_names),
    )
    digest = entry.component_digest or f"sha256:{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()}"
    return ComponentId(component_type=ComponentType.ACTIVITY, name=entry.name, digest=digest)


def program_config(entry: ProcessEntry) -> ComponentConfig:
    """Return a native program's configuration."""
    return ComponentConfig(
        retry=entry.retry,
        exec=entry.exec,
        workflow=None,
        env_vars=entry.env_vars,
        allowed_hosts=(),
        stdout=StreamTarget.NONE,
        stderr=entry.stderr,
        stub_wasi=False,
        backtrace_sources={},
        log_level=entry.log_level,
        limits=entry.limits,
        process=entry.process,
        type_names=entry.function.type_names,
    )
