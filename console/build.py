"""Which build of the console a process serves: pages that were loaded from another one say so."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parent.parent


@cache
def build_id() -> str:
    """Return a digest of the scripts, styles and templates, as they were when it was first asked for."""
    digest = hashlib.sha256()
    for folder in ("static/console", "templates/console"):
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
