"""The source text of the files that backtraces name, as it was deployed.

Source:
    Obelisk reference, sections 2 (``backtrace.sources``) and 9.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from components.config_codec import decode_config
from components.models import Component
from components.services import wasm_bytes
from executions.backtraces import Backtrace

_ANY_FOLDER: Final = ".../"


def find_source(backtrace: Backtrace, file: str) -> str | None:
    """Return the text of a file of the component's version that made a call; ``None`` if none is stored.

    Args:
        backtrace: Of the call.
        file: As a frame names it.

    Raises:
        DeploymentError: If what is stored of the component cannot be read.
    """
    digest = source_digest(backtrace.component, file)
    return None if digest is None else wasm_bytes(digest).decode(errors="replace")


def source_digest(component: str, file: str) -> str | None:
    """Return the digest of a file of a component's version; ``None`` if none is stored.

    Args:
        component: The version, as ``type:name:digest``.
        file: As a frame names it.

    Raises:
        DeploymentError: If what is stored of the component cannot be read.
    """
    component_type, name, digest = component.split(":", 2)
    rows = Component.objects.filter(component_type=component_type, name=name, digest=digest)
    # Which files belong to compiled code is configuration, and may differ from deployment to deployment.
    for config in rows.order_by("-deployment__created_at", "-id").values_list("config", flat=True):
        stored = decode_config(config)
        found = _digest_of(file, stored.backtrace_sources if stored.source is None else stored.source.files)
        if found is not None:
            return found
    return None


def _digest_of(file: str, sources: Mapping[str, str]) -> str | None:
    """Return the digest of a frame's file: of its own path, or of the one suffix that fits."""
    if file in sources:
        return sources[file]
    fitting = {
        digest
        for path, digest in sources.items()
        if path.startswith(_ANY_FOLDER) and f"/{file}".endswith(path.removeprefix("..."))
    }
    # Two files that a suffix may mean are worse than none.
    return fitting.pop() if len(fitting) == 1 else None
