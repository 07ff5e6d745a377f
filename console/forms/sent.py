"""What a browser sent of a page with a form of types: the typed inputs, apart from the page's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from django.http import HttpRequest, QueryDict

from console.forms.names import is_part
from console.forms.reading import Problem
from console.forms.slots import Slot

FRAGMENT_HEADER: Final = "X-Form-Fragment"
"""Sent by the script: it wants the form alone, to merge it into the page."""

CHECK: Final = "check"
"""The action of somebody who is still typing."""


def typed_inputs(sent: QueryDict, slots: Sequence[Slot]) -> dict[str, list[str]]:
    """Return the inputs of a form that belong to its values."""
    return {
        name: [str(value) for value in values]
        for name, values in sent.lists()
        if any(is_part(name, slot.name) for slot in slots)
    }


def wants_fragment(request: HttpRequest) -> bool:
    """Tell whether only the form is wanted."""
    return FRAGMENT_HEADER in request.headers


def worth_telling(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems that somebody who is still typing should be told: not that there is more to type."""
    return [problem for problem in problems if not problem.is_missing]


def problem_map(problems: Sequence[Problem]) -> Mapping[str, str]:
    """Return the first problem of each input."""
    return {problem.name: problem.text for problem in reversed(problems)}
