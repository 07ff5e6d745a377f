"""Endpoints of executions: finding and reading them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.utils import timezone
from msgspec import UNSET
from rest_framework.request import Request

from engine.errors import ExecutionNotFound
from engine.log.ids import ExecutionId, make_execution_id, parse_execution_id
from executions.access.permissions import sees
from executions.access.scopes import Insight, Scope
from executions.api.answers import json_answer, text_answer, wants_text
from executions.api.bodies import read_query
from executions.api.execution_documents import (
    ExecutionDocument,
    document_of,
    documents_of,
    labels_by_execution,
    state_text,
)
from executions.api.execution_queries import (
    MOST_LOG_LINES,
    MOST_ROWS,
    EventsQuery,
    ListQuery,
    LogsQuery,
    NoQuery,
    ResponsesQuery,
    filter_of,
)
from executions.api.log_documents import (
    EventsDocument,
    LogEntryDocument,
    ResponsesDocument,
    decode_cursor,
    event_document,
    log_document,
    log_text,
    response_document,
)
from executions.api.problems import Problem, ProblemCode
from executions.api.schema import endpoint
from executions.api.views import ApiView
from executions.backtraces import backtrace_ids
from executions.explanations import why_not_moving
from executions.models import Event, Execution, JoinSetResponse, LogLine
from executions.operations.listing import CursorRefused, Direction, instant_at, page_of, place_at
from executions.operations.paging import numbered_page
from executions.tracing.stored import trace_id


class ExecutionIdView(ApiView):
    """Fresh ids."""

    scopes = {"GET": Scope.READ}

    @endpoint("make_execution_id", tag="executions", answers={200: str}, text=True)
    def get(self, request: Request) -> HttpResponse:
        """Return an id under which an execution can be submitted."""
        read_query(request, NoQuery)
        fresh = make_execution_id(timezone.now(), os.urandom(10))
        return text_answer(fresh) if wants_text(request, by_default=True) else json_answer(fresh)


class ExecutionListView(ApiView):
    """All executions."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "list_executions",
        tag="executions",
        query=ListQuery,
        answers={200: list[ExecutionDocument]},
        text=True,
        problems=[ProblemCode.INVALID_CURSOR],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return a page of executions, newest first, with links to the pages beside it."""
        query = read_query(request, ListQuery)
        try:
            rows = page_of(
                filter_of(query),
                place=None if query.cursor is None else place_at(query.cursor),
                direction=query.direction,
                including=query.including_cursor,
                length=min(query.length, MOST_ROWS),
            )
        except CursorRefused as error:
            raise Problem(ProblemCode.INVALID_CURSOR, str(error)) from error
        documents = documents_of(rows)
        if wants_text(request):
            lines = (f"{each.execution_id} {each.ffqn} {state_text(each.pending_state)}\n" for each in documents)
            return text_answer("".join(lines), headers=_links(request, rows))
        return json_answer(documents, headers=_links(request, rows))


class StatusView(ApiView):
    """The state of an execution."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "get_status",
        tag="executions",
        answers={200: ExecutionDocument},
        text=True,
        problems=[ProblemCode.EXECUTION_NOT_FOUND, ProblemCode.INVALID_ID],
    )
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        """Return the state, and why the execution has not ended."""
        read_query(request, NoQuery)
        row = find_execution(execution_id)
        labels = labels_by_execution([row.pk]).get(row.pk, {})
        why = why_not_moving(row, with_values=sees(request, Insight.PAYLOAD))
        document = document_of(row, labels, explanation=why or UNSET, trace_id=trace_id(row.execution_id))
        if wants_text(request):
            return text_answer(state_text(document.pending_state))
        return json_answer(document)


class EventsView(ApiView):
    """The event log of an execution."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.PAYLOAD}

    @endpoint(
        "list_events",
        tag="executions",
        query=EventsQuery,
        answers={200: EventsDocument},
        problems=[ProblemCode.EXECUTION_NOT_FOUND, ProblemCode.INVALID_ID],
    )
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        """Return a page of the log, oldest first."""
        query = read_query(request, EventsQuery)
        row = find_execution(execution_id)
        target = ExecutionId(row.execution_id)
        events: QuerySet[Event] = row.events.all()
        page = numbered_page(
            events,
            "version",
            cursor=query.version,
            direction=query.direction,
            including=query.including_cursor,
            length=min(query.length, MOST_ROWS),
        )
        traced = backtrace_ids(target, page[0].version, page[-1].version) if page and query.include_backtrace_id else {}
        documents = [event_document(event, backtrace_id=traced.get(event.version, UNSET)) for event in page]
        return json_answer(EventsDocument(events=documents, max_version=row.next_version - 1))


class ResponsesView(ApiView):
    """What came back to the join sets of an execution."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.PAYLOAD}

    @endpoint(
        "list_responses",
        tag="executions",
        query=ResponsesQuery,
        answers={200: ResponsesDocument},
        problems=[ProblemCode.EXECUTION_NOT_FOUND, ProblemCode.INVALID_ID],
    )
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        """Return a page of the responses, in their order of arrival."""
        query = read_query(request, ResponsesQuery)
        row = find_execution(execution_id)
        ends = Event.objects.filter(execution_id=OuterRef("child_execution_id"), version=OuterRef("finished_version"))
        responses = row.responses.annotate(end=Subquery(ends.values("payload")[:1]))
        if query.join_set is not None:
            responses = responses.filter(join_set_id=query.join_set)
        length = min(query.length, MOST_ROWS)
        page = numbered_page(
            responses,
            "cursor",
            cursor=query.cursor,
            direction=query.direction,
            including=query.including_cursor,
            length=length,
        )
        return json_answer(
            ResponsesDocument(
                responses=[response_document(response, response.end) for response in page],  # type: ignore[attr-defined]  # annotated above
                max_cursor=row.response_count,
                scan_cursor=_scanned(page, query, length=length, last=row.response_count),
            )
        )


class LogsView(ApiView):
    """What the guest of an execution logged and printed."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.PAYLOAD}

    @endpoint(
        "list_logs",
        tag="executions",
        query=LogsQuery,
        answers={200: list[LogEntryDocument]},
        text=True,
        problems=[ProblemCode.EXECUTION_NOT_FOUND, ProblemCode.INVALID_ID, ProblemCode.INVALID_CURSOR],
    )
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        """Return a page of the log entries, oldest first."""
        query = read_query(request, LogsQuery)
        row = find_execution(execution_id)
        page = numbered_page(
            _lines_of(row, query),
            "id",
            cursor=decode_cursor(query.cursor) if query.cursor is not None else None,
            direction=query.direction,
            including=query.including_cursor,
            length=min(query.length, MOST_LOG_LINES),
        )
        if wants_text(request):
            lines = (log_text(line, with_run=query.show_run_id, with_execution=query.show_derived) for line in page)
            return text_answer("".join(f"{line}\n" for line in lines))
        return json_answer([log_document(line) for line in page])


def find_execution(execution_id: str) -> Execution:
    """Return the execution of an id from a path.

    Raises:
        IdSyntaxError: If it is none.
        ExecutionNotFound: If there is no such execution.
    """
    parsed = parse_execution_id(execution_id)
    row = Execution.objects.filter(pk=parsed).first()
    if row is None:
        raise ExecutionNotFound(parsed)
    return row


def _links(request: Request, rows: Sequence[Execution]) -> dict[str, str]:
    """Return the header with the pages beside this one: what is older is next."""
    if not rows:
        return {}

    def link(row: Execution, direction: Direction, relation: str) -> str:
        parameters = request._request.GET.copy()
        for name in ("including_cursor", "cursor", "direction"):
            parameters.pop(name, None)
        parameters["cursor"] = row.execution_id
        parameters["direction"] = direction.value
        return f'<{request.path}?{parameters.urlencode()}>; rel="{relation}"'

    return {"Link": f"{link(rows[-1], Direction.OLDER, 'next')}, {link(rows[0], Direction.NEWER, 'prev')}"}


def _scanned(page: Sequence[JoinSetResponse], query: ResponsesQuery, *, length: int, last: int) -> int:
    """Return the cursor to go on from: behind a full page its end, else everything was looked at."""
    newer = query.direction is Direction.NEWER
    if page and len(page) == length:
        return page[-1].cursor if newer else page[0].cursor
    if length == 0:
        return query.cursor or 0
    return last if newer else 0


def _lines_of(row: Execution, query: LogsQuery) -> QuerySet[LogLine]:
    lines = LogLine.objects.of(row.execution_id, with_descendants=query.show_derived)
    lines = lines.of_kinds(
        levels=(query.level or None) if query.show_logs else (),
        streams=(query.stream_type or None) if query.show_streams else (),
    )
    if query.after is not None:
        lines = lines.filter(created_at__gt=query.after)
    if query.cursor is not None and decode_cursor(query.cursor) is None:
        try:
            instant = instant_at(query.cursor)
        except CursorRefused as error:
            raise Problem(ProblemCode.INVALID_CURSOR, f"cursor: {query.cursor[:100]!r} is of no log entry") from error
        operator = ("gt" if query.direction is Direction.NEWER else "lt") + ("e" if query.including_cursor else "")
        lines = lines.filter(**{f"created_at__{operator}": instant})
    return lines
