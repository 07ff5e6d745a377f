"""Which version of this program a process runs: its number, and a digest of its source for what has the same number."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent
_PACKAGES: Final = ("components", "console", "engine", "executions", "obelisk", "obelisk_site", "webhooks")
_DIGITS: Final = 7


@cache
def program_version() -> str:
    """Return the version, such as ``0.1.0 3f9c0ab``, as it was when this process first asked."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return f"{project['version']} {digest.hexdigest()[:_DIGITS]}"
