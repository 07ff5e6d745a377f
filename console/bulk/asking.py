"""What somebody asks to be done to how many: read from the list's form, frozen, and counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.http import QueryDict
from django.utils import timezone

from console.executions.filters import FilterForm
from engine.errors import IdSyntaxError
from engine.log.ids import parse_execution_id
from executions.operations.bulk import BulkOperation
from executions.operations.bulk_counting import Prospect, prospect_of
from executions.operations.listing import CursorRefused, ExecutionFilter, instant_at

_MOST_SELECTED = 200


class AskRefused(Exception):
    """What was sent names no executions; says why in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which executions are meant, as of an instant; what is created later does not belong to them.

    Args:
        wanted: The filter, bounded.
        until: The instant.
        query: The list's address behind the question mark.
        selected: The ids, if they were ticked one by one.
        prospect: How they stand towards the operation.
    """

    wanted: ExecutionFilter
    until: datetime
    query: str
    selected: tuple[str, ...]
    prospect: Prospect


def read_asked(operation: BulkOperation, data: QueryDict) -> Asked:
    """Return what a form asks for.

    Args:
        operation: What is to be done.
        data: ``selected`` with ids, or ``all`` with the list's ``query``; ``until`` if it was shown before.

    Raises:
        AskRefused: If it names nothing, or a filter that is wrong: less would be filtered out then than was shown.
    """
    try:
        until = instant_at(data.get("until", "")) if "until" in data else timezone.now()
    except CursorRefused as error:
        raise AskRefused(str(error)) from error
    query = data.get("query", "")
    selected = () if "all" in data else _ids(data.getlist("selected"))
    if selected:
        wanted = ExecutionFilter(ids=selected, show_derived=True)
    elif "all" in data:
        wanted = _matching(query, until)
    else:
        raise AskRefused("No execution is selected.")
    prospect = prospect_of(operation, wanted, now=until)
    return Asked(wanted=wanted, until=until, query=query, selected=selected, prospect=prospect)


def _ids(texts: list[str]) -> tuple[str, ...]:
    if len(texts) > _MOST_SELECTED:
        raise AskRefused(f"More than {_MOST_SELECTED} executions are selected; narrow the list down and take all.")
    try:
        return tuple(parse_execution_id(text) for text in texts)
    except IdSyntaxError as error:
        raise AskRefused(str(error)) from error


def _matching(query: str, until: datetime) -> ExecutionFilter:
    form = FilterForm(QueryDict(query))
    wanted = form.wanted(until)
    if not form.is_valid():
        wrong = "; ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items())
        raise AskRefused(f"The filter is wrong, so nothing can be done to what it lets through. {wrong}")
    before = until if wanted.created_before is None else min(wanted.created_before, until)
    return replace(wanted, created_before=before)
