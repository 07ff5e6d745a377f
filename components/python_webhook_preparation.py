"""From a ``[[webhook_endpoint_py]]`` table to its component: read in the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.config_codec import ComponentConfig, SourceOrigin
from components.guest_runtimes import PythonRuntime
from components.manifest import PythonWebhookEntry
from components.manifest.files import content_digest
from components.manifest.shared_keys import DEFAULT_BACKOFF
from components.python_preparation import source_digest
from engine.deployment.spec import ComponentId, ComponentType, ExecPolicy, RetryPolicy
from engine.guests.python.describe import SourceImport, SourceText, describe_webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonWebhook:
    """What the table stands for: a component that exports nothing.

    Args:
        id: Its identity.
        config: What the table says about it.
        imports: The functions of other components that it may call.
        artefact: What the interpreter takes to run it.
    """

    id: ComponentId
    config: ComponentConfig
    imports: tuple[SourceImport, ...]
    artefact: bytes


def read_python_webhook(
    entry: PythonWebhookEntry, files: Sequence[SourceText], runtime: PythonRuntime
) -> PythonWebhook:
    """Read the files of a table.

    Args:
        entry: The table.
        files: What it names, in its order.
        runtime: The interpreter.

    Raises:
        SourceRefused: If anything in the files is wrong.
    """
    description = describe_webhook(runtime.reader, files, package=entry.package)
    component_type = ComponentType.WEBHOOK_ENDPOINT
    digest = source_digest(component_type, runtime.digest, entry.package, files, ())
    config = ComponentConfig(
        retry=RetryPolicy(max_retries=0, backoff=DEFAULT_BACKOFF),
        exec=ExecPolicy(),
        workflow=None,
        env_vars=entry.env_vars,
        allowed_hosts=entry.allowed_hosts,
        stdout=entry.stdout,
        stderr=entry.stderr,
        stub_wasi=False,
        backtrace_sources={},
        log_level=entry.log_level,
        source=SourceOrigin(
            language="python",
            runtime=runtime.source,
            files={file.path: content_digest(file.text.encode()) for file in files},
        ),
        webhook=entry.mount,
        limits=entry.limits,
    )
    return PythonWebhook(
        id=ComponentId(component_type=component_type, name=entry.name, digest=digest),
        config=config,
        imports=description.imports,
        artefact=description.artefact,
    )
