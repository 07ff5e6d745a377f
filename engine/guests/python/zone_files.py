"""The time zone database, as a module for the runtime."""

from __future__ import annotations

from pathlib import Path

_BEGINNING = b"TZif"


def zone_module(packages: Path) -> str:
    """Return the source of a module whose ``ZONES`` has every zone of the package ``tzdata``.

    Args:
        packages: Where that is installed.
    """
    root = packages / "tzdata" / "zoneinfo"
    contents = {
        path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }
    zones = {name: content for name, content in contents.items() if content.startswith(_BEGINNING)}
    return f"ZONES = {zones!r}\n"
