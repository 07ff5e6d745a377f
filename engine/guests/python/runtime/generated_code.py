"""Code that the library makes from text for every class: compiled once at deploy, kept with the component.

A dataclass writes its methods as text and compiles that, which takes longer than the rest of a small file. The same
text is the same code, so what a component's import needed is stored beside its own code and found by its text.
"""

from __future__ import annotations

import builtins
import collections
import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType
from typing import Any, NoReturn


class _Inspect:
    """What dataclasses see of `inspect`: no signature, which they only write into docstrings that nobody gave them.

    That takes longer than the methods do, and they do without one where there is none.
    """

    def signature(self, *_: object, **__: object) -> NoReturn:
        raise ValueError("not here")

    def __getattr__(self, name: str) -> Any:
        return getattr(inspect, name)


Generated = Mapping[tuple[str, str], CodeType]
"""Code by mode (``exec`` or ``eval``) and text."""

_known: dict[tuple[str, str], CodeType] = {}
_recording: dict[tuple[str, str], CodeType] | None = None


def install() -> None:
    """Let the library ask here before it compiles; done once, when the runtime is built."""
    # A module's own global name comes before the builtin function.
    dataclasses.exec = _exec  # type: ignore[attr-defined]  # as above
    collections.eval = _eval  # type: ignore[attr-defined]  # as above
    dataclasses.inspect = _Inspect()  # type: ignore[attr-defined]  # as above


@contextmanager
def recorded() -> Iterator[dict[tuple[str, str], CodeType]]:
    """Return what is compiled within; it is complete at the end."""
    global _recording  # noqa: PLW0603  # one import at a time
    _recording = {}
    try:
        yield _recording
    finally:
        _recording = None


def learn(generated: Generated) -> None:
    """Know this code and no other."""
    _known.clear()
    _known.update(generated)


def _code(mode: str, text: str) -> CodeType:
    code = _known.get((mode, text))
    if code is None:
        code = compile(text, "<string>", mode, dont_inherit=True)
        if _recording is not None:
            _recording[mode, text] = code
    return code


def _exec(text: str, *namespaces: Any) -> None:
    builtins.exec(_code("exec", text), *namespaces)  # noqa: S102  # what the library wrote, as the library would


def _eval(text: str, *namespaces: Any) -> Any:
    return builtins.eval(_code("eval", text), *namespaces)  # noqa: S307  # as above
