"""Reading the files a deployment names, and nothing outside its folder."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

from components.manifest.entries import FileReference
from engine.wit.wit_folder import WitFolder

LEGACY_PREFIX = "${DEPLOYMENT_DIR}/"
MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_WIT_FILES = 200
MAX_WIT_BYTES = 1 << 20
_WIT_FILES = ("*.wit", "deps/*.wit", "deps/*/*.wit")


class UnusableFile(ValueError):
    """A file that cannot be part of a deployment; the message says why."""


def content_digest(content: bytes) -> str:
    """Return ``sha256:`` and 64 lower-case hex digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def relative_path(location: str) -> str:
    """Check a path by its text alone and return it without the legacy prefix.

    Raises:
        UnusableFile: If it is empty, absolute, climbs with ``..`` or names a registry.

    Source:
        Obelisk reference, sections 1.2 (``location``) and 11.2.
    """
    if location.startswith("oci://"):
        raise UnusableFile(
            f'names the registry image "{location}"; oci:// locations are not supported yet by this version'
        )
    path = location.removeprefix(LEGACY_PREFIX)
    parts = path.split("/")
    if not path:
        raise UnusableFile("is not a path")
    if path.startswith("/"):
        raise UnusableFile(f'is the absolute path "{path}"; paths are relative to the deployment file')
    if ".." in parts:
        raise UnusableFile(f'is "{path}", which leaves the folder of the deployment file')
    return path


def read_file(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Return a file's content.

    Args:
        path: Where it is.
        max_bytes: How large it may be.

    Raises:
        UnusableFile: If it is not a readable regular file of that size; a predicate such as ``does not exist``.
    """
    try:
        # Non-blocking, so that a named pipe is refused below instead of waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnusableFile("is not a file")
            with os.fdopen(descriptor, "rb", closefd=False) as opened:
                content = opened.read(max_bytes + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise UnusableFile("does not exist") from None
    except OSError as exc:
        raise UnusableFile(f"cannot be read: {exc.strerror}") from exc
    if len(content) > max_bytes:
        raise UnusableFile(f"is larger than {max_bytes // 1024**2} MiB")
    return content


class FileSource(Protocol):
    """Where the files that a deployment names come from."""

    def read(self, file: FileReference) -> bytes:
        """Return a file's content.

        Raises:
            UnusableFile: If it is not there, too large, or has another digest than the entry says.
        """
        ...


class DeploymentFolder:
    """The folder of a deployment file.

    Args:
        root: The folder.
        max_bytes: Size limit of one file.
    """

    def __init__(self, root: Path, *, max_bytes: int = MAX_FILE_BYTES) -> None:
        self._root = root.resolve()
        self._max_bytes = max_bytes
        self._wit: dict[str, WitFolder] = {}

    def read(self, file: FileReference) -> bytes:
        """Return a file's content.

        Raises:
            UnusableFile: If it is not a readable regular file inside the folder (links followed), is larger than the
                limit, or has another digest than the entry says.
        """
        try:
            content = read_file(self._inside(file), max_bytes=self._max_bytes)
        except UnusableFile as error:
            raise UnusableFile(f'names "{file.path}", which {error}') from error
        digest = content_digest(content)
        if file.content_digest is not None and file.content_digest != digest:
            raise UnusableFile(f'names "{file.path}", whose digest is {digest}, not {file.content_digest}')
        return content

    def read_wit(self, path: str) -> WitFolder:
        """Return a folder of WIT; one that several entries name is read once.

        Args:
            path: The folder, relative to this one.

        Raises:
            UnusableFile: If it is no folder, or a file in it cannot be read.
            TypeSyntaxError: If what stands in the files is wrong.
        """
        if path not in self._wit:
            self._wit[path] = WitFolder(dict(self._wit_texts(path)), place=path)
        return self._wit[path]

    def _wit_texts(self, path: str) -> Iterator[tuple[str, str]]:
        folder = self._inside(FileReference(path=path, content_digest=None, key="wit"))
        if not folder.is_dir():
            raise UnusableFile("is not a folder" if folder.exists() else "does not exist")
        found = sorted(file for pattern in _WIT_FILES for file in islice(folder.glob(pattern), MAX_WIT_FILES + 1))
        if len(found) > MAX_WIT_FILES:
            raise UnusableFile(f"holds more than {MAX_WIT_FILES} .wit files")
        size = 0
        for file in found:
            name = file.relative_to(folder).as_posix()
            content = self.read(FileReference(path=f"{path}/{name}", content_digest=None, key="wit"))
            size += len(content)
            if size > MAX_WIT_BYTES:
                raise UnusableFile(f"holds more than {MAX_WIT_BYTES >> 20} MiB of WIT")
            try:
                yield name, content.decode()
            except UnicodeDecodeError as error:
                raise UnusableFile(f"holds {name}, where byte {error.start} is not UTF-8 text") from error

    def _inside(self, file: FileReference) -> Path:
        try:
            path = (self._root / file.path).resolve()
        # RuntimeError: a loop of links, up to Python 3.12. ValueError: characters that no path has.
        except (OSError, RuntimeError, ValueError) as exc:
            raise UnusableFile("cannot be followed to a file") from exc
        if not path.is_relative_to(self._root):
            raise UnusableFile("is a link that leaves the folder of the deployment file")
        return path
