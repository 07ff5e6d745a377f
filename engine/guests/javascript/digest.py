"""Identity of a JavaScript component.

Source:
    Obelisk reference, section 1.3; the zero bytes between the parts are ours, so that no two components run together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from engine.deployment.declaration import declaration_parts
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, WitType


def component_digest(
    prefix: str,
    files: Mapping[str, str],
    function: tuple[FunctionName, FunctionType] | None,
    type_names: Mapping[str, WitType] | None = None,
) -> str:
    """Return ``sha256:`` and the digest of what a component does.

    Args:
        prefix: Its kind: ``activity_js``, ``workflow_js`` or ``webhook_js``.
        files: Texts by path, the main file first.
        function: What it exports, if anything.
        type_names: Names that its author gave to types.
    """
    parts = [f"{prefix}:{_graph(files)}"]
    if function is not None:
        name, function_type = function
        parts += declaration_parts(name, function_type, type_names or {})
    return "sha256:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _graph(files: Mapping[str, str]) -> str:
    main = next(iter(files))
    if len(files) == 1:
        return files[main]
    return "v1\0" + "".join(f"{path}\0{files[path]}\0" for path in sorted(files)) + main
