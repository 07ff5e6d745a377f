"""The files that ``manage.py new`` writes: a small component that works, with its deployment entry and its test.

The files lie as templates in ``scaffolds/``, with ``@NAME@`` and the like in the place of names.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.errors import DeploymentError
from engine.wit.grammar import KEYWORDS
from engine.wit.names import EXTENSION_SUFFIXES, RESERVED_NAMESPACES, is_kebab_name, snake_name

DEFAULT_NAMESPACE = "my"
MAX_NAME_LENGTH = 64

_TEMPLATES = Path(__file__).parent / "scaffolds"
_PLACEHOLDER = re.compile(r"@([A-Z_]+)@")
_EXECUTABLE = 0o755


class Language(StrEnum):
    """What a component can be written in."""

    PYTHON = "py"
    JAVASCRIPT = "js"
    RUST = "rust"


_FILES: Mapping[Language, Mapping[str, str]] = {
    Language.PYTHON: {
        "app.py": "@MODULE@.py",
        "deployment.toml": "deployment.toml",
        "conftest.py": "conftest.py",
        "test_app.py": "test_@MODULE@.py",
    },
    Language.JAVASCRIPT: {
        "greet.js": "greet.js",
        "greet-all.js": "greet-all.js",
        "deployment.toml": "deployment.toml",
        "test_app.py": "test_@MODULE@.py",
    },
    Language.RUST: {
        "Cargo.toml": "Cargo.toml",
        "lib.rs": "src/lib.rs",
        "world.wit": "wit/world.wit",
        "build.sh": "build.sh",
        "gitignore": ".gitignore",
        "deployment.toml": "deployment.toml",
        "test_app.py": "test_@MODULE@.py",
    },
}


class ScaffoldRefused(DeploymentError):
    """The component cannot be written under this name, or there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaffoldName:
    """What a new component is called.

    Args:
        namespace: Whose it is; the part before the colon of its functions' names.
        name: Its own name, in kebab-case.
    """

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str, language: Language) -> ScaffoldName:
        """Read ``name`` or ``namespace:name``.

        Raises:
            ScaffoldRefused: If it cannot be the name of a component in this language; tells why.
        """
        namespace, colon, name = text.rpartition(":")
        parsed = cls(namespace=namespace if colon else DEFAULT_NAMESPACE, name=name)
        if problem := parsed._problem(language):
            raise ScaffoldRefused(f'"{text[: 2 * MAX_NAME_LENGTH]}" cannot be the name of a component: {problem}')
        return parsed

    @property
    def package(self) -> str:
        """What the names of its functions begin with."""
        return f"{self.namespace}:{self.name}"

    @property
    def module(self) -> str:
        """Its name as Python and Rust spell it."""
        return snake_name(self.name)

    def _problem(self, language: Language) -> str | None:
        for part in (self.namespace, self.name):
            if len(part) > MAX_NAME_LENGTH:
                return f"a part of it is longer than {MAX_NAME_LENGTH} characters"
            if not is_kebab_name(part) or not part.islower():
                return "write lower-case words joined by hyphens, such as hello-world or acme:hello-world"
            if part in KEYWORDS or (language is Language.RUST and part in _rust_words()):
                return f"{part} is a keyword"
        if self.namespace in RESERVED_NAMESPACES:
            return f"the namespace {self.namespace} belongs to the engine"
        if self.name.endswith(EXTENSION_SUFFIXES):
            return f"names that end in {', '.join(EXTENSION_SUFFIXES)} belong to the engine"
        if language is Language.PYTHON and (keyword.iskeyword(self.module) or _hides_a_module(self.module)):
            return f"a file {self.module}.py would hide Python's or the engine's own module {self.module}"
        return None


def _rust_words() -> frozenset[str]:
    # Keywords, and names of crates that every program has.
    return frozenset((_TEMPLATES / Language.RUST / "keywords.txt").read_text(encoding="utf-8").split())


def _hides_a_module(module: str) -> bool:
    return module in sys.stdlib_module_names or module in {"components", "engine", "executions", "obelisk", "webhooks"}


def write_scaffold(name: ScaffoldName, language: Language, folder: Path) -> list[Path]:
    """Write a new component's files.

    Args:
        name: What it is called.
        language: What it is written in.
        folder: Where to; made if it does not exist.

    Returns:
        The files, in the order in which one would read them.

    Raises:
        ScaffoldRefused: If one of the files is there already, or cannot be written; nothing is overwritten.
    """
    words = {
        "NAME": name.name,
        "MODULE": name.module,
        "PACKAGE": name.package,
        "RUST_PACKAGE": f"{snake_name(name.namespace)}::{name.module}",
    }
    files = {
        folder / _fill_in(target, words): _fill_in(
            (_TEMPLATES / language / f"{template}.txt").read_text(encoding="utf-8"), words
        )
        for template, target in _FILES[language].items()
    }
    if there := [path for path in files if path.exists() or path.is_symlink()]:
        raise ScaffoldRefused(f"{there[0]} exists already, and nothing is overwritten; choose another --dir")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:  # x: also what appeared a moment ago stays as it is
                file.write(text)
            if path.suffix == ".sh":
                path.chmod(_EXECUTABLE)
    except OSError as error:
        raise ScaffoldRefused(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return list(files)


def _fill_in(text: str, words: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: words[found.group(1)], text)
