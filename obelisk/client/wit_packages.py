"""Packages of WIT as files of a folder ``deps``, where tools for components look for them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parent / "wit"
_SUPPORT = {
    "activity": ("obelisk-log",),
    "workflow": ("obelisk-log", "obelisk-types", "obelisk-workflow"),
    "webhook_endpoint": ("obelisk-log", "obelisk-signal", "obelisk-types", "obelisk-webhook"),
}
COMPONENT_TYPES = tuple(_SUPPORT)
"""Kinds of components that may import something of Obelisk's own."""

_BLOCK = re.compile(r"^package (?P<name>\S+) \{\n(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_DECLARATION = re.compile(r"^package\s+(?P<name>[^\s;]+)\s*;", re.MULTILINE)


def support_files(component_type: str) -> dict[str, bytes]:
    """Return the packages of Obelisk's own that a kind of component may import, by path."""
    return {
        path.relative_to(_FOLDER).as_posix(): path.read_bytes()
        for package in _SUPPORT[component_type]
        for path in sorted((_FOLDER / package).iterdir())
    }


def split_packages(text: str) -> dict[str, str]:
    """Return the packages of a text by name, without those of Obelisk's own.

    Args:
        text: Blocks ``package a:b {``, as the server writes them: what is inside is indented, and nothing else.
    """
    blocks = {block["name"]: block["body"] for block in _BLOCK.finditer(text)}
    return {
        name: f"package {name};\n\n{textwrap.dedent(body)}"
        for name, body in blocks.items()
        if not name.startswith("obelisk:")
    }


def dependency_files(packages: Mapping[str, str], folder: Path) -> dict[str, bytes]:
    """Return packages as one file each, by path, without the one whose dependencies they are.

    Args:
        packages: Texts by name.
        folder: Where they are to lie; what lies beside it declares the package that uses them.
    """
    beside = (path.read_text("utf-8", errors="replace") for path in folder.resolve().parent.glob("*.wit"))
    own = {found["name"] for text in beside for found in _DECLARATION.finditer(text)}
    return {
        f"{name.replace(':', '_')}/package.wit": text.encode() for name, text in packages.items() if name not in own
    }
