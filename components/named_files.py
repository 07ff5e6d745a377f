"""The files that components are made of, under the names that their deployment file has for them."""

from __future__ import annotations

from collections.abc import Sequence

from components.manifest import DeclaredFunction, FileReference, NamedFunction, PythonEntry, PythonWebhookEntry
from components.manifest.files import content_digest
from components.models import FileRole
from components.prepared import NamedFile
from engine.guests.python.describe import SourceText


def named_file(path: str, content: bytes, role: FileRole) -> NamedFile:
    """Return a file by its content."""
    return NamedFile(path=path, digest=content_digest(content), role=role)


def source_files(entry: PythonEntry | PythonWebhookEntry, sources: Sequence[SourceText]) -> tuple[NamedFile, ...]:
    """Return the Python files that an entry names, without what stands in the deployment file itself.

    Args:
        entry: The entry.
        sources: What they hold, in its order.
    """
    return tuple(
        named_file(source.path, text.text.encode(), FileRole.SOURCE)
        for source, text in zip(entry.sources, sources, strict=True)
        if isinstance(source, FileReference)
    )


def wit_files(function: DeclaredFunction | NamedFunction | None) -> dict[NamedFile, bytes]:
    """Return the WIT that a function's type was read from, with its content; none is if the table has the type."""
    if function is None:
        return {}
    contents = {path: text.encode() for path, text in function.wit_files.items()}
    return {named_file(path, content, FileRole.WIT_SOURCE): content for path, content in contents.items()}
