"""The modules that are there: imported when the runtime is built, since the sandbox has no files to import from."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings

_LEFT_OUT = frozenset(
    {
        "__phello__",
        "antigravity",
        "ensurepip",
        "idlelib",
        "lib2to3",
        "pip",
        "this",
        "tkinter",
        "turtle",
        "turtledemo",
        "venv",
    }
)
"""What has an effect when it is imported, or is of no use without a screen or files."""

_PACKAGES = ("collections", "concurrent", "email", "html", "http", "importlib", "json", "logging", "urllib", "xml")
"""Packages whose parts are imported too."""


def import_all() -> None:
    """Import what can be imported of the standard library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in sorted(sys.stdlib_module_names - _LEFT_OUT):
            if not name.startswith("_test") and _import(name) and name in _PACKAGES:
                for part in pkgutil.walk_packages(sys.modules[name].__path__, f"{name}."):
                    if "__main__" not in part.name:
                        _import(part.name)


def _import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001  # a module for another platform; whoever imports it is told that it is not there
        return False
    return True
