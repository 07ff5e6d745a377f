"""From files to modules: compiled once at deploy, executed afresh in every run."""

from __future__ import annotations

import base64
import importlib.abc
import importlib.machinery
import linecache
import marshal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import CodeType, ModuleType
from typing import Any

from engine.guests.python.runtime import generated_code
from engine.guests.python.runtime.generated_code import Generated
from obelisk import functions
from obelisk.backends import ImportBackend, active
from obelisk.functions import Function


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One compiled file of a component; ``path`` is as the deployment names it, ``module`` what it is imported as."""

    path: str
    module: str
    text: str
    code: CodeType


@dataclass(frozen=True, slots=True)
class Artefact:
    """A component as it is stored at deploy.

    Args:
        package: WIT package, for files that do not name theirs.
        files: The main file first.
        single: Kind and name in Python of the one function, where the deployment entry names it; its JSON data is
            passed as it is if the entry gives the types too.
        generated: What the library compiled while the files were imported.
    """

    package: str | None
    files: tuple[SourceFile, ...]
    single: tuple[str, str, bool] | None = None
    generated: Generated = field(default_factory=dict)

    def dump(self) -> str:
        """Return the stored form, as text; only this very build of the interpreter can read it."""
        files = [(file.path, file.module, file.text, file.code) for file in self.files]
        return base64.b64encode(marshal.dumps((self.package, files, self.single, dict(self.generated)))).decode()

    @classmethod
    def load(cls, stored: str) -> Artefact:
        """Read the stored form."""
        content = base64.b64decode(stored)
        package, files, single, generated = marshal.loads(content)  # noqa: S302  # written by dump, in the same sandbox
        return cls(package, tuple(SourceFile(*file) for file in files), single, generated)


def module_name(path: str) -> str:
    """Return what a file is imported as."""
    return PurePosixPath(path).stem


def compile_file(path: str, text: str) -> SourceFile:
    """Compile one file.

    Raises:
        SyntaxError: If it is no Python.
    """
    return SourceFile(path, module_name(path), text, compile(text, path, "exec", dont_inherit=True))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the component's own files."""

    def __init__(self, artefact: Artefact) -> None:
        self._package = artefact.package
        self._files = {file.module: file for file in artefact.files}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        file = self._files.get(fullname)
        if file is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=file.path)

    def exec_module(self, module: ModuleType) -> None:
        file = self._files[module.__name__]
        module.__file__ = file.path
        exec(file.code, module.__dict__)  # noqa: S102  # the component's own code, in its own sandbox
        if self._package is not None:
            module.__dict__.setdefault("PACKAGE", self._package)


def forget_imports() -> None:
    """Find no component's files any more."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]


class Program:
    """The modules of a component, imported."""

    def __init__(self, artefact: Artefact) -> None:
        self.artefact = artefact
        self.paths = {file.path for file in artefact.files}
        self.functions: list[Function[..., Any]] = []

    def import_all(self) -> None:
        """Execute every file; raises whatever the code raises."""
        functions.registered.clear()
        generated_code.learn(self.artefact.generated)
        sys.meta_path.insert(0, _Finder(self.artefact))
        with active(ImportBackend()):
            for file in self.artefact.files:
                __import__(file.module)
        self.functions = list(functions.registered)

    def main(self) -> ModuleType:
        """Return the module of the main file."""
        return sys.modules[self.artefact.files[0].module]

    def find(self, kind: str, wit: str) -> Function[..., Any]:
        """Return a function by its name in WIT.

        Raises:
            LookupError: If the files define no such function.
        """
        if self.artefact.single is not None:
            return self.single()
        if kind == "webhook":
            return self.handler()
        for function in self.functions:
            if function.kind == kind and function.wit == wit:
                return function
        raise LookupError(f"the files define no {kind} {wit}")

    def single(self) -> Function[..., Any]:
        """Return the one function that the deployment entry names, decorated or not."""
        assert self.artefact.single is not None
        kind, name, _ = self.artefact.single
        found: Callable[..., Any] | Function[..., Any] | None = getattr(self.main(), name, None)
        if found is None or not callable(found):
            raise LookupError(f"the file defines no function {name}")
        return found if isinstance(found, Function) else Function(found, kind)  # type: ignore[arg-type]  # a kind

    def handler(self) -> Function[..., Any]:
        """Return the function that answers requests: the one with the decorator, or ``handle`` of the main file.

        Raises:
            LookupError: If there is none, or more than one.
        """
        decorated = [function for function in self.functions if function.kind == "webhook"]
        if len(decorated) > 1:
            raise LookupError(f"{decorated[0].name} and {decorated[1].name} are both decorated as webhook")
        if decorated:
            return decorated[0]
        found = getattr(self.main(), "handle", None)
        if found is None or not callable(found):
            raise LookupError("the file has no function handle and none that is decorated as webhook")
        return Function(found, "webhook")

    def show_sources(self) -> None:
        """Let tracebacks quote the files."""
        for file in self.artefact.files:
            linecache.cache[file.path] = (len(file.text), None, file.text.splitlines(keepends=True), file.path)
