"""Endpoints for looking into workflows: replay, step by step, other versions, forks, backtraces."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpResponse
from msgspec import Meta, Struct
from rest_framework.request import Request

from components.switching import find_deployment
from engine.log.ids import Version, parse_execution_id
from engine.log.retval_json import retval_to_api
from executions.access.permissions import require_scope
from executions.access.scopes import Insight, Scope
from executions.api.answers import json_answer, message, text_answer, wants_text
from executions.api.bodies import read_body, read_query
from executions.api.debug_documents import (
    AdvanceDocument,
    AdvanceInProgress,
    FinishedAdvance,
    ForkedDocument,
    PersistedDocument,
    ReplayDocument,
    replay_document,
)
from executions.api.execution_documents import present_state
from executions.api.execution_queries import NoQuery
from executions.api.execution_views import find_execution
from executions.api.problems import Problem, ProblemCode
from executions.api.recording import OperationQuery, recording
from executions.api.replaying import replaying
from executions.api.schema import MessageDocument, endpoint
from executions.api.views import ApiView
from executions.backtrace_documents import BacktraceDocument, backtrace_document
from executions.backtrace_sources import find_source
from executions.backtraces import Backtrace, Place, find_backtrace
from executions.component_versions import registry_of
from executions.operations.advancing import ReplayMismatch, VersionMismatch, advance
from executions.operations.excluding import exclude, include, version_for
from executions.operations.forking import Edits, fork, try_fork
from executions.operations.recording import Operation
from executions.operations.replaying import replay
from executions.operations.tracing import find_or_trace, persist_backtraces
from executions.operations.upgrading import upgrade

_OF_WORKFLOWS = (
    ProblemCode.EXECUTION_NOT_FOUND,
    ProblemCode.INVALID_ID,
    ProblemCode.NO_WORKFLOW,
    ProblemCode.VERSION_MISSING,
    ProblemCode.BUSY,
    ProblemCode.DEPLOYMENT_UNUSABLE,
)


_OF_BACKTRACES = (
    ProblemCode.EXECUTION_NOT_FOUND,
    ProblemCode.INVALID_ID,
    ProblemCode.BACKTRACE_NOT_FOUND,
    ProblemCode.VERSION_MISSING,
    ProblemCode.BUSY,
    ProblemCode.DEPLOYMENT_UNUSABLE,
)


class AdvanceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The beginning of what a replay captured."""

    captured_writes: Annotated[list[Any], Meta(description="From the answer to `replay`, cut after any of them.")]
    persist_backtrace: Annotated[bool, Meta(description="Also store the backtraces of what is applied.")] = False


class UpgradeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which version of a component to which."""

    old: Annotated[str, Meta(description="The digest that the execution has now.")]
    new: Annotated[str, Meta(description="The digest of the deployed component.")]
    skip_determinism_check: bool = False


class ExcludeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which deployment."""

    deployment_id: Annotated[str, Meta(description="Its version of the component will not run the execution.")]


class ForkBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From where, and what is to be different."""

    version: Annotated[int, Meta(ge=0, le=2**31 - 1, description="The last event that is kept.")]
    params: Annotated[list[Any], Meta(description="Other parameters.")] | None = None
    results: Annotated[dict[str, Any], Meta(description='Other results, `{"ok": value}`, by child id.')] = {}
    component_digest: Annotated[str, Meta(description="The version to run it.")] | None = None
    paused: bool = False
    dry_run: Annotated[bool, Meta(description="Only tell what it would do, with recorded answers.")] = False


class BacktraceQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which call."""

    version: Annotated[
        str, Meta(pattern="^(first|last|[0-9]{1,9})$", description="`first`, `last`, or an event's version.")
    ] = "last"


class SourceQuery(BacktraceQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file, and of which call."""

    file: Annotated[str, Meta(description="As a frame of the backtrace names it.", examples=["trips.py"])]


class ReplayView(ApiView):
    """Replaying a workflow."""

    scopes = {"PUT": Scope.OPERATE}
    insights = {"PUT": Insight.PAYLOAD}

    @endpoint(
        "replay",
        tag="debugging",
        answers={200: ReplayDocument},
        problems=[*_OF_WORKFLOWS, ProblemCode.REPLAY_FAILED],
    )
    @replaying
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Run the workflow against its history, without effects.

        The answer tells what it did, and needs the scope read as well.
        """
        read_query(request, NoQuery)
        require_scope(request, Scope.READ)
        return json_answer(replay_document(replay(parse_execution_id(execution_id))))


class AdvanceView(ApiView):
    """Advancing a paused workflow."""

    scopes = {"PUT": Scope.OPERATE}
    insights = {"PUT": Insight.PAYLOAD}

    @endpoint(
        "advance",
        tag="debugging",
        query=OperationQuery,
        body=AdvanceBody,
        answers={200: AdvanceDocument},
        problems=[*_OF_WORKFLOWS, ProblemCode.VERSION_MISMATCH, ProblemCode.REPLAY_MISMATCH, ProblemCode.ILLEGAL_STATE],
    )
    @replaying
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Apply the beginning of what a replay captured to a paused workflow."""
        target = parse_execution_id(execution_id)
        journal = recording(request, target, Operation.ADVANCE)
        body = read_body(request, AdvanceBody)
        try:
            advanced = advance(target, body.captured_writes, journal=journal)
        except VersionMismatch as error:
            members: dict[str, Any] = {"type": "version_mismatch", "expected": error.expected}
            raise Problem(ProblemCode.VERSION_MISMATCH, str(error), members=members) from error
        except ReplayMismatch as error:
            raise Problem(ProblemCode.REPLAY_MISMATCH, str(error), members={"type": "replay_mismatch"}) from error
        if body.persist_backtrace:
            persist_backtraces(target, since=body.captured_writes[0]["version"])
        if advanced.retval is not None:
            return json_answer(FinishedAdvance(retval_to_api(advanced.retval)))
        return json_answer(AdvanceInProgress(present_state(find_execution(execution_id))))


class UpgradeView(ApiView):
    """Moving an execution to another version of its component."""

    scopes = {"PUT": Scope.OPERATE}
    insights = {"PUT": Insight.PAYLOAD}

    @endpoint(
        "upgrade",
        tag="debugging",
        query=OperationQuery,
        body=UpgradeBody,
        answers={200: MessageDocument},
        text=True,
        problems=[*_OF_WORKFLOWS, ProblemCode.UPGRADE_FAILS, ProblemCode.ILLEGAL_STATE],
    )
    @replaying
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Have the execution be run by another version of its component, if that can follow its history."""
        target = parse_execution_id(execution_id)
        body = read_body(request, UpgradeBody)
        journal = recording(request, target, Operation.UPGRADE, detail=f"{body.old} to {body.new}")
        upgrade(target, body.old, body.new, skip_determinism_check=body.skip_determinism_check, journal=journal)
        return message(request, "upgraded")


class ExcludeView(ApiView):
    """Leaving an execution on the code that it has."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "exclude",
        tag="debugging",
        query=OperationQuery,
        body=ExcludeBody,
        answers={200: MessageDocument},
        text=True,
        problems=[
            ProblemCode.EXECUTION_NOT_FOUND,
            ProblemCode.INVALID_ID,
            ProblemCode.DEPLOYMENT_NOT_FOUND,
            ProblemCode.DEPLOYMENT_UNUSABLE,
            ProblemCode.ILLEGAL_STATE,
        ],
    )
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Keep the workflow from being run by a deployment's version of its component."""
        target = parse_execution_id(execution_id)
        read_query(request, OperationQuery)
        body = read_body(request, ExcludeBody)
        ffqn = find_execution(target).ffqn
        registry = registry_of(find_deployment(body.deployment_id))
        digest = version_for(ffqn, registry)
        exclude(target, registry, journal=recording(request, target, Operation.EXCLUDE, detail=digest))
        return message(request, "excluded")


class IncludeView(ApiView):
    """Letting an execution be run by other versions again."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "include",
        tag="debugging",
        query=OperationQuery,
        answers={200: MessageDocument},
        text=True,
        problems=[ProblemCode.EXECUTION_NOT_FOUND, ProblemCode.INVALID_ID, ProblemCode.ILLEGAL_STATE],
    )
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Let the workflow be run by whatever version of its component is deployed."""
        target = parse_execution_id(execution_id)
        include(target, journal=recording(request, target, Operation.INCLUDE))
        return message(request, "included")


class ForkView(ApiView):
    """Forking an execution."""

    scopes = {"POST": Scope.SUBMIT}
    insights = {"POST": Insight.PAYLOAD}

    @endpoint(
        "fork",
        tag="debugging",
        query=OperationQuery,
        body=ForkBody,
        body_examples=[("Again from event 12, with another amount", {"version": 12, "params": ["Rome", 2]})],
        answers={200: ReplayDocument, 201: ForkedDocument},
        text=True,
        problems=[
            *_OF_WORKFLOWS,
            ProblemCode.FORK_REFUSED,
            ProblemCode.INVALID_CALL,
            ProblemCode.INVALID_RESULT,
            ProblemCode.REPLAY_FAILED,
        ],
    )
    @replaying
    def post(self, request: Request, execution_id: str) -> HttpResponse:
        """Start a new execution that has the history of this one up to an event.

        A dry run tells what it would do, and needs the scope read as well.
        """
        source = parse_execution_id(execution_id)
        journal = recording(request, source, Operation.FORK)
        body = read_body(request, ForkBody)
        edits = Edits(params=body.params, results=body.results or None, digest=body.component_digest)
        if body.dry_run:
            require_scope(request, Scope.READ)
            return json_answer(replay_document(try_fork(source, body.version, edits=edits)))
        forked = fork(source, body.version, edits=edits, paused=body.paused, journal=journal)
        return message(request, forked, status=201)


class BacktraceView(ApiView):
    """Where a workflow made its calls."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "get_backtrace",
        tag="debugging",
        query=BacktraceQuery,
        answers={200: BacktraceDocument},
        problems=_OF_BACKTRACES,
    )
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        """Return where in its source the workflow made a call; a replay finds what is not known."""
        query = read_query(request, BacktraceQuery)
        return json_answer(backtrace_document(_backtrace_at(execution_id, query.version)))


class BacktraceSourceView(ApiView):
    """What stands where a workflow made its calls."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.SOURCE}

    @endpoint(
        "get_backtrace_source",
        tag="debugging",
        query=SourceQuery,
        answers={200: str},
        text=True,
        problems=[*_OF_BACKTRACES, ProblemCode.SOURCE_NOT_FOUND],
    )
    def get(self, request: Request, execution_id: str) -> HttpResponse:
        """Return the source text of a backtrace's file, as it was when the call was made; a JSON string if asked so."""
        query = read_query(request, SourceQuery)
        found = _backtrace_at(execution_id, query.version)
        text = find_source(found, query.file)
        if text is None:
            shown = query.file[:100]
            raise Problem(ProblemCode.SOURCE_NOT_FOUND, f"no source {shown!r} is stored of {found.component}")
        return text_answer(text) if wants_text(request, by_default=True) else json_answer(text)


class PersistBacktracesView(ApiView):
    """Finding out where calls were made, after the fact."""

    scopes = {"PUT": Scope.OPERATE}

    @endpoint(
        "persist_backtraces",
        tag="debugging",
        answers={200: PersistedDocument},
        problems=_OF_WORKFLOWS,
    )
    @replaying
    def put(self, request: Request, execution_id: str) -> HttpResponse:
        """Store the backtraces of the workflow's calls that are missing, by a replay without effects."""
        read_query(request, NoQuery)
        return json_answer(PersistedDocument(persist_backtraces(parse_execution_id(execution_id))))


def _backtrace_at(execution_id: str, version: str) -> Backtrace:
    target = parse_execution_id(find_execution(execution_id).execution_id)
    place: Place
    match version:
        case "first" | "last" as place:
            pass
        case number:
            place = Version(int(number))
    found = find_backtrace(target, place) or replaying(find_or_trace)(target, place)
    if found is None:
        raise Problem(ProblemCode.BACKTRACE_NOT_FOUND, f"no backtrace of {target} is known there")
    return found
