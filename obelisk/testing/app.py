"""A Python file as the engine sees it: read in the sandbox, once a process while it does not change."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.guests.python.describe import SourceDescription, SourceFunction, SourceText, describe_module
from obelisk.functions import Function
from obelisk.names import wit_name
from obelisk.testing.files import file_of, read_with_imports
from obelisk.testing.runtime import reader


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A file and what it imports.

    Args:
        main: Where it lies.
        files: It and the files beside it.
        description: What they define.
    """

    main: Path
    files: tuple[SourceText, ...]
    description: SourceDescription

    @property
    def name(self) -> str:
        """What its components are called after."""
        return self.main.stem

    def find(self, function: Function[..., Any]) -> SourceFunction | None:
        """Return what the file says of a function that executions are of; ``None`` if it is not one of it."""
        path = Path(function.fn.__code__.co_filename).resolve()
        if path.parent != self.main.parent:
            return None
        for described in self.description.functions:
            if (
                described.kind != "query"
                and described.label == function.name
                and described.place.rpartition(":")[0] == path.name
            ):
                return described
        return None


def load_app(function: Function[..., Any]) -> App:
    """Read the file that a function stands in.

    Raises:
        SourceRefused: If it could not be deployed either; says why, with file and line.
    """
    main = file_of(function)
    package = getattr(sys.modules.get(function.fn.__module__), "PACKAGE", None)
    if not isinstance(package, str):
        # A deployment may give it; here nobody looks at it.
        package = f"test:{wit_name(main.stem, place=main.name)}"
    files = read_with_imports(main)
    return App(main=main, files=files, description=_describe(files, package))


@lru_cache(maxsize=64)
def _describe(files: tuple[SourceText, ...], package: str) -> SourceDescription:
    return describe_module(reader(), files, package=package)
