"""What somebody enters into a form of types, either part by part or all as one JSON text, and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from django.http import HttpRequest, QueryDict

from console.forms.editing import edit_form
from console.forms.json_text import pretty
from console.forms.making import form_nodes
from console.forms.names import is_part
from console.forms.nodes import Node
from console.forms.reading import FormReader, Problem
from console.forms.slots import Slot
from console.forms.writing import FormTooLargeError, write_slots
from engine.errors import ValueMismatch
from engine.wit.json_values import load_json
from engine.wit.options import JsonValue

CHECK: Final = "check"
"""The action of somebody who is still typing."""

_FRAGMENT_HEADER: Final = "X-Form-Fragment"
_FORM: Final = "form"
_JSON: Final = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was entered so far.

    Args:
        tab: ``form`` or ``json``: which of the two counts.
        fields: The inputs of the form.
        json: The text.
    """

    tab: str = _FORM
    fields: dict[str, list[str]] = field(default_factory=dict)
    json: str = ""


@dataclass(slots=True)
class EntryForm:
    """The form that an entry is made in; ``problems`` grows with what is found wrong.

    Args:
        slots: What it asks for.
        read_whole: Returns the values of the slots from the data of the JSON text, or raises `ValueMismatch`.
        as_whole: Returns that data from the values.
        problems: What is wrong.
    """

    slots: Sequence[Slot]
    read_whole: Callable[[object], list[JsonValue]]
    as_whole: Callable[[list[JsonValue]], JsonValue]
    problems: list[Problem] = field(default_factory=list)

    def sent(self, query: QueryDict) -> Entry:
        """Return the entry that a browser sent."""
        fields = {
            name: [str(value) for value in values]
            for name, values in query.lists()
            if any(is_part(name, slot.name) for slot in self.slots)
        }
        return Entry(tab=_JSON if query.get("tab") == _JSON else _FORM, fields=fields, json=query.get("json", ""))

    def filled_from(self, text: str) -> Entry:
        """Return an entry of values that stand in JSON text: as a form if they fit the types, else as that text."""
        return self._as_form(Entry(tab=_JSON, json=text))

    def read(self, entry: Entry) -> list[JsonValue]:
        """Return the values; only without problems are they of their types."""
        if entry.tab == _JSON:
            try:
                return self.read_whole(load_json(entry.json))
            except ValueMismatch as mismatch:
                self.problems.append(Problem(_JSON, str(mismatch)))
                return []
        return FormReader(entry.fields, self.problems).read_slots(self.slots)

    def changed(self, entry: Entry, action: str) -> Entry:
        """Return the entry after a button was pressed, and find what is wrong with it, but not what is missing."""
        match action:
            case "tab:json" if entry.tab != _JSON:
                # What is missing is seen in the text; that is checked when it is changed.
                return replace(entry, tab=_JSON, json=self._text_of(entry))
            case "tab:form" if entry.tab == _JSON:
                return self._as_form(entry)
            case _:
                try:
                    entry = replace(entry, fields=edit_form(self.slots, entry.fields, action))
                except FormTooLargeError as error:
                    self.problems.append(Problem("", str(error)))
                self.read(entry)
                self.problems[:] = [problem for problem in self.problems if not problem.is_missing]
                return entry

    def nodes(self, entry: Entry) -> tuple[Entry, list[Node]]:
        """Return the form; where that would be too large, none, and the entry as JSON."""
        if entry.tab == _JSON:
            return entry, []
        try:
            return entry, form_nodes(self.slots, entry.fields, self.problems)
        except FormTooLargeError as error:
            self.problems.append(Problem(_JSON, str(error)))
            return replace(entry, tab=_JSON, json=self._text_of(entry)), []

    def _text_of(self, entry: Entry) -> str:
        return pretty(self.as_whole(FormReader(entry.fields).read_slots(self.slots)))

    def _as_form(self, entry: Entry) -> Entry:
        values = self.read(entry)
        if self.problems:
            return entry
        try:
            return replace(entry, tab=_FORM, fields=write_slots(self.slots, values))
        except FormTooLargeError as error:
            self.problems.append(Problem(_JSON, str(error)))
            return entry


def wants_fragment(request: HttpRequest) -> bool:
    """Tell whether only the form is wanted: the script merges it into the page."""
    return _FRAGMENT_HEADER in request.headers


def problem_context(problems: Sequence[Problem], *, is_final: bool) -> dict[str, object]:
    """Return what templates show of problems.

    Args:
        problems: All of them.
        is_final: Whether somebody wanted to send the form. While they type, what is wrong is told at its place only; a
            summary would move everything down.
    """
    return {
        "summary": [problem for problem in problems if is_final or not problem.name],
        "problem_of": {problem.name: problem.text for problem in reversed(problems)},
    }
