"""Query parameters of the endpoints of executions.

Source:
    Obelisk reference, section 9.2; from ``function`` on the filters of lists are ours.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from engine.deployment.spec import LogLevel
from executions.api.problems import Problem, ProblemCode
from executions.operations.listing import Direction, ExecutionFilter, ListedStatus

MOST_ROWS: Final = 1000
MOST_LOG_LINES: Final = 200
DEFAULT_LENGTH: Final = 20

Length = Annotated[
    int, Meta(ge=0, le=65_535, description=f"Most entries of the page; above {MOST_ROWS} it means {MOST_ROWS}.")
]
LogLength = Annotated[
    int, Meta(ge=0, le=65_535, description=f"Most entries; above {MOST_LOG_LINES} it means {MOST_LOG_LINES}.")
]
Including = Annotated[bool, Meta(description="Whether what is at the cursor belongs to the page.")]
_Instant = Annotated[datetime, Meta(tz=True, examples=["2026-01-31T12:00:00Z"])]
_Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class FilterQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which executions."""

    ffqn_prefix: Annotated[str, Meta(description="What the function's full name begins with.")] | None = None
    show_derived: Annotated[bool, Meta(description="Also what workflows submitted.")] = False
    hide_finished: bool = False
    execution_id_prefix: str | None = None
    component_digest: str | None = None
    deployment_id: str | None = None
    function: Annotated[str, Meta(description="The function's full name.")] | None = None
    status: Annotated[tuple[ListedStatus, ...], Meta(description="In any of these states; may be repeated.")] = ()
    component: Annotated[str, Meta(description="The component's name.")] | None = None
    parent: Annotated[str, Meta(description="Only the children of this execution.")] | None = None
    label: Annotated[
        tuple[Annotated[str, Meta(pattern="^[^:]+:")], ...],
        Meta(description="`name:value`; may be repeated, and all have to be there.", examples=[["city:Rome"]]),
    ] = ()
    created_after: Annotated[_Instant, Meta(description="Created then or later.")] | None = None
    created_before: Annotated[_Instant, Meta(description="Created earlier.")] | None = None
    finished_after: Annotated[_Instant, Meta(description="Ended then or later.")] | None = None
    finished_before: Annotated[_Instant, Meta(description="Ended earlier.")] | None = None
    stuck: Annotated[
        bool,
        Meta(
            description="Due, or being cancelled, for more than a minute, and nothing happens; "
            "or the deployed code does not follow its history."
        ),
    ] = False


class ListQuery(FilterQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which executions, and which page of them."""

    cursor: Annotated[str, Meta(description="An instant, or an execution's id.")] | None = None
    length: Length = DEFAULT_LENGTH
    including_cursor: Including = False
    direction: Direction = Direction.OLDER


class EventsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of the log."""

    version: Annotated[_Number, Meta(description="The cursor.")] | None = None
    length: Length = DEFAULT_LENGTH
    including_cursor: Including = False
    direction: Direction = Direction.NEWER
    include_backtrace_id: Annotated[bool, Meta(description="Say of which backtrace each event is.")] = False


class ResponsesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which responses."""

    join_set: str | None = None
    cursor: _Number | None = None
    length: Length = DEFAULT_LENGTH
    including_cursor: Including = False
    direction: Direction = Direction.NEWER


class LogsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which log entries."""

    level: tuple[LogLevel, ...] = ()
    stream_type: tuple[Literal["stdout", "stderr"], ...] = ()
    show_logs: bool = True
    show_streams: bool = True
    show_derived: Annotated[bool, Meta(description="Also what its children wrote, and theirs.")] = False
    show_run_id: Annotated[bool, Meta(description="In the text form.")] = False
    cursor: Annotated[str, Meta(description="The cursor of an entry, or an instant.")] | None = None
    after: Annotated[_Instant, Meta(description="Written later than this.")] | None = None
    length: LogLength = DEFAULT_LENGTH
    including_cursor: Including = False
    direction: Direction = Direction.NEWER


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


def filter_of(query: FilterQuery) -> ExecutionFilter:
    """Return the filter that some parameters mean.

    Raises:
        Problem: If a label has no value, or a text holds what no database can look for.
    """
    for name in query.__struct_fields__:
        value = getattr(query, name)
        if any("\0" in text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)):
            raise Problem(ProblemCode.INVALID_PARAMETER, f"{name}: a NUL character is not allowed")
    return ExecutionFilter(
        function=query.function,
        ffqn_prefix=query.ffqn_prefix,
        statuses=query.status,
        component=query.component,
        component_digest=query.component_digest,
        deployment_id=query.deployment_id,
        parent=query.parent,
        execution_id_prefix=query.execution_id_prefix,
        labels=tuple(_label(text) for text in query.label),
        created_after=query.created_after,
        created_before=query.created_before,
        finished_after=query.finished_after,
        finished_before=query.finished_before,
        stuck=query.stuck,
        show_derived=query.show_derived,
        hide_finished=query.hide_finished,
    )


def _label(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name:
        raise Problem(ProblemCode.INVALID_PARAMETER, f"label: {text[:100]!r} is not name:value")
    return name, value
