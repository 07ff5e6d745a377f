"""Writing files whose names a server chose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from obelisk.client.api import ClientError


def write_files(folder: Path, files: Mapping[str, bytes], *, force: bool) -> list[str]:
    """Write files into a folder, which is made if need be, and return where they are.

    Args:
        folder: The folder.
        files: Contents by path, relative to it.
        force: Whether to write over what is there.

    Raises:
        ClientError: If a path leads out of the folder, something is there already, or it cannot be written; unless
            the last, nothing was written.
    """
    paths = {folder / name: content for name, content in files.items()}
    for path in paths:
        # The server names the files; it has no say in where they go.
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ClientError(f"the server names a file {path}, which is outside of {folder}")
        if path.exists() and not force:
            raise ClientError(f"{path} is there already; --force writes over it")
    for path, content in paths.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise ClientError(f"{path} cannot be written: {error.strerror}") from error
    return [str(path) for path in paths]
