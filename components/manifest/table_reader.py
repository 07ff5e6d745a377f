"""Reading one TOML table key by key: every mistake becomes a problem with its place, and reading goes on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from components.manifest.files import UnusableFile
from components.problems import ManifestProblem
from engine.wit.wit_folder import WitFolder

E = TypeVar("E", bound=StrEnum)

_MILLISECONDS = {"milliseconds": 1, "seconds": 1_000, "minutes": 60_000, "hours": 3_600_000}
# Some 3,000 years: far beyond use, and still safe to add to any date of this era.
_MAX_DURATION_MS = 10**14
U32_MAX = 2**32 - 1


@dataclass(slots=True)
class Findings:
    """The problems and warnings of one deployment file, in the order they were met."""

    problems: list[ManifestProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refuse(self, place: str, message: str) -> None:
        """Note something that stops the deployment."""
        self.problems.append(ManifestProblem(place=place, message=message))

    def warn(self, place: str, message: str) -> None:
        """Note something that was accepted but should be looked at."""
        self.warnings.append(f"{place}: {message}")


WitSource = Callable[[str], WitFolder]
"""Reads the WIT at a path relative to the deployment file; raises `UnusableFile` and `TypeSyntaxError`."""


def no_wit(_path: str) -> WitFolder:
    """Refuse: the deployment file was read without its folder."""
    raise UnusableFile("cannot be read: the deployment file is by itself")


class TableReader:
    """One table of a deployment file.

    A key counts as known once it was asked for; `refuse_unknown_keys` ends the reading. A value of the wrong kind
    is noted as a problem and read as the default, so that one pass finds every mistake.

    Args:
        table: The table as parsed.
        place: Names the table in messages.
        findings: Takes what is found.
        prefix: Path of the table inside its entry, such as ``exec.``.
        wit: Gives the folder of WIT at a path.
    """

    def __init__(
        self,
        table: Mapping[str, object],
        *,
        place: str,
        findings: Findings,
        prefix: str = "",
        wit: WitSource = no_wit,
    ) -> None:
        self.place = place
        self.wit = wit
        self._table, self._findings, self._prefix = table, findings, prefix
        self._known: list[str] = []

    def has(self, key: str) -> bool:
        """Tell whether the key stands in the table."""
        self._known.append(key)
        return key in self._table

    def refuse(self, key: str, message: str) -> None:
        """Note a problem with a key's value."""
        self._findings.refuse(self.place, f'key "{self._prefix}{key}" {message}')

    def warn(self, key: str, message: str) -> None:
        """Note a warning about a key's value."""
        self._findings.warn(self.place, f'key "{self._prefix}{key}" {message}')

    def string(self, key: str) -> str | None:
        """Return a text, or ``None`` when the key is not there."""
        value = self._value(key)
        if not isinstance(value, str):
            if value is not None:
                self._wrong_kind(key, "a string", value)
            return None
        if "\0" in value:
            self.refuse(key, "holds a NUL character")  # which neither an environment nor PostgreSQL can hold
        return value

    def required_string(self, key: str) -> str:
        """Return a text; a missing or empty one is a problem and read as empty."""
        if not self.has(key):
            self.refuse(key, "is missing")
        value = self.string(key)
        if value == "":
            self.refuse(key, "is empty")
        return value or ""

    def strings(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty when the key is not there."""
        value = self._value(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and "\0" not in item for item in value):
            self._wrong_kind(key, "a list of strings", value)
            return ()
        return tuple(value)

    def boolean(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._value(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self._wrong_kind(key, "true or false", value)
        return default

    def integer(self, key: str, *, default: int, minimum: int = 0, maximum: int = U32_MAX) -> int:
        """Return a whole number between ``minimum`` and ``maximum``, both included."""
        value = self._value(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong_kind(key, "a whole number", value)
            return default
        if not minimum <= value <= maximum:
            self.refuse(key, f"must be between {minimum} and {maximum}, got {value}")
            return default
        return value

    def choice(self, key: str, options: type[E], *, default: E) -> E:
        """Return one of the named options."""
        value = self._value(key)
        if value is None:
            return default
        if isinstance(value, str) and value in {option.value for option in options}:
            return options(value)
        self._wrong_kind(key, "one of " + ", ".join(f'"{option.value}"' for option in options), value)
        return default

    def duration(self, key: str, *, default: timedelta) -> timedelta:
        """Return a duration, written as a table of one key such as ``{ seconds = 5 }``."""
        duration = self.optional_duration(key)
        return default if duration is None else duration

    def optional_duration(self, key: str) -> timedelta | None:
        """Return a duration, or ``None`` when the key is not there."""
        value = self._value(key)
        if value is None:
            return None
        if not isinstance(value, dict) or len(value) != 1:
            self._wrong_kind(key, "a table of one key such as { seconds = 5 }", value)
            return None
        [(unit, amount)] = value.items()
        if unit not in _MILLISECONDS:
            self.refuse(key, f'has the unit "{unit}"; expected {", ".join(_MILLISECONDS)}')
        elif isinstance(amount, bool) or not isinstance(amount, int) or amount < 0:
            self.refuse(f"{key}.{unit}", f"must be a whole number of at least 0, got {_show(amount)}")
        elif amount * _MILLISECONDS[unit] > _MAX_DURATION_MS:
            self.refuse(key, f"is too long: {amount} {unit}")
        else:
            return timedelta(milliseconds=amount * _MILLISECONDS[unit])
        return None

    def value(self, key: str) -> object:
        """Return whatever stands there, ``None`` when nothing does; the caller checks it."""
        return self._value(key)

    def table(self, key: str) -> TableReader | None:
        """Return a table inside this one."""
        value = self._value(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return TableReader(value, place=self.place, findings=self._findings, prefix=f"{self._prefix}{key}.")
        self._wrong_kind(key, "a table", value)
        return None

    def tables(self, key: str) -> list[TableReader]:
        """Return the tables of a list of tables; those that are none are noted as problems."""
        value = self._value(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong_kind(key, "a list of tables", value)
            return []
        readers = []
        for number, item in enumerate(value, start=1):
            if isinstance(item, dict):
                prefix = f"{self._prefix}{key}[{number}]."
                readers.append(TableReader(item, place=self.place, findings=self._findings, prefix=prefix))
            else:
                self._wrong_kind(f"{key}[{number}]", "a table", item)
        return readers

    def keys(self) -> Sequence[str]:
        """Return all keys of the table, for tables whose keys are data."""
        return list(self._table)

    def refuse_unknown_keys(self) -> None:
        """Note every key that was never asked for, with the nearest known one."""
        for key in self._table:
            if key not in self._known:
                self.refuse(key, f"is unknown{did_you_mean(key, self._known)}")

    def _value(self, key: str) -> object:
        self._known.append(key)
        return self._table.get(key)

    def _wrong_kind(self, key: str, expected: str, value: object) -> None:
        self.refuse(key, f"must be {expected}, got {_show(value)}")


def did_you_mean(key: str, known: Sequence[str]) -> str:
    """Return ``; did you mean "x"?``, or a list of what is known, or nothing where nothing is known."""
    if near := difflib.get_close_matches(key, known, n=1):
        return f'; did you mean "{near[0]}"?'
    return f"; known are {', '.join(sorted(set(known)))}" if known else ""


def _show(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value[:60]}"'
        case dict():
            return "a table with the keys " + ", ".join(value) if value else "an empty table"
        case list():
            return "a list"
        case _:
            return str(value)[:60]
