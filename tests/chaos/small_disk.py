"""A disk of its own that can be filled to the last byte."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMPOSSIBLE = "a file system may not be mounted here; root may"

_SIZE_MIB = 192
_BALLAST = "ballast"
_BLOCK = bytes(1 << 16)


class SmallDisk:
    """A file system in memory.

    Args:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / _BALLAST

    def fill(self) -> None:
        """Leave no room; what has been freed since is taken again."""
        size = len(_BLOCK)
        with self._ballast.open("ab", buffering=0) as file:
            while size:
                try:
                    file.write(_BLOCK[:size])
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def empty(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, mib: int = _SIZE_MIB) -> Iterator[SmallDisk | None]:
    """Mount one, or give ``None`` where that is not allowed.

    Args:
        folder: Where.
        mib: Its size.
    """
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
