"""Which files a decorated function needs: its own, and those beside it that it imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.guests.python.describe import SourceText
from obelisk.functions import Function


def file_of(function: Function[..., Any]) -> Path:
    """Return the file that a function stands in.

    Raises:
        TypeError: If it stands in none, such as one typed at a prompt.
    """
    path = Path(function.fn.__code__.co_filename)
    if not path.is_file():
        raise TypeError(f"{function.name}: there is no file {path}; the sandbox runs functions of files")
    return path.resolve()


def read_with_imports(main: Path) -> tuple[SourceText, ...]:
    """Return a file and all files of its folder that it imports, directly or not; itself first.

    The sandbox has no other modules but the standard library's.
    """
    found: dict[str, SourceText] = {}
    waiting = [main]
    while waiting:
        path = waiting.pop(0)
        if path.name in found:
            continue
        found[path.name] = source = SourceText(path=path.name, text=path.read_text(encoding="utf-8"))
        waiting += [file for name in _imported(source) if (file := main.parent / f"{name}.py").is_file()]
    return tuple(found.values())


def _imported(source: SourceText) -> Iterator[str]:
    try:
        tree = ast.parse(source.text)
    except SyntaxError:
        # The sandbox's Python is newer than this one, and says so if it cannot read the file either.
        return
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            names = [node.module]
        yield from (name for name in names if name not in sys.stdlib_module_names)
