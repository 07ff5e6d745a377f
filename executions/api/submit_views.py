"""Starting executions, and their results: the endpoints that may wait for an end."""

from __future__ import annotations

import hashlib
import os
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from msgspec import Meta, Struct
from rest_framework.request import Request

from engine.log.ids import ExecutionId, make_execution_id, parse_execution_id, parse_top_level_id
from engine.log.retval_json import retval_to_api
from executions.access.lasting import still_has
from executions.access.permissions import require_insight
from executions.access.principals import principal_of
from executions.access.scopes import Insight, Scope
from executions.api.answers import json_answer, message, problem_answer
from executions.api.bodies import read_body, read_query
from executions.api.execution_views import ExecutionListView
from executions.api.following import WaitingAnswer, preferred_wait, refuse_too_many_followers, result_stream
from executions.api.problems import Problem, ProblemCode
from executions.api.recording import OperationQuery
from executions.api.schema import RETVAL, MessageDocument, endpoint, schema_of
from executions.api.views import ApiView
from executions.journal.journal import SqlJournal
from executions.operations.idempotency import submit_once
from executions.operations.recording import Operation, RecordingJournal
from executions.operations.submitting import Call, Submitted, submit_all
from executions.results import result_of

_KEY_HEADER = "Idempotency-Key"
_LONGEST_KEY = 255
_PREFER = "`wait=30`: answer with the result if it is there within so many seconds, 60 at most."
FOLLOW = "Send the headers at once and the result as soon as it is there."
STARTED = {"anyOf": [schema_of(MessageDocument), RETVAL]}
"""The id; or the result, of who follows or waits."""


class SubmitBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call."""

    ffqn: Annotated[str, Meta(description="The function's full name, or `.../interface.function`.")]
    params: Annotated[list[Any], Meta(description="Its parameters, in order.", examples=[[10, 500]])]
    paused: Annotated[bool, Meta(description="Whether to wait for `unpause` before it is first run.")] = False
    labels: Annotated[dict[str, str], Meta(description="Values by name, to find it by.")] = {}


class FollowQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether to wait."""

    follow: Annotated[bool, Meta(description=FOLLOW)] = False


class SubmitQuery(OperationQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, and whether to wait."""

    follow: Annotated[bool, Meta(description=FOLLOW)] = False


class ExecutionsView(ExecutionListView):
    """All executions."""

    scopes = {"GET": Scope.READ, "POST": Scope.SUBMIT}

    @endpoint(
        "submit",
        tag="executions",
        query=SubmitQuery,
        body=SubmitBody,
        body_examples=[("Fibonacci", {"ffqn": "testing:fibo-workflow/workflow.fiboa", "params": [10, 500]})],
        headers={"Idempotency-Key": "A repetition under the same key starts nothing.", "Prefer": _PREFER},
        answers={201: STARTED, 202: MessageDocument},
        text=True,
        problems=[
            ProblemCode.FUNCTION_NOT_FOUND,
            ProblemCode.INVALID_CALL,
            ProblemCode.DEPLOYMENT_UNUSABLE,
            ProblemCode.TOO_MANY_FOLLOWERS,
            ProblemCode.IDEMPOTENCY_KEY_REUSED,
        ],
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Start an execution under a fresh id."""
        query = read_query(request, SubmitQuery)
        _refuse_unanswerable(request, follow=query.follow)
        fresh = make_execution_id(timezone.now(), os.urandom(10))
        call = _call(request, read_body(request, SubmitBody), fresh)
        journal = _recording(request, fresh, query.reason)
        key = request.headers.get(_KEY_HEADER)
        headers: dict[str, str] = {}
        if key is None:
            (submitted,) = submit_all([call], journal=journal)
        else:
            submitted = _submit_once(request, call, key, journal)
            headers = {} if submitted.is_new else {"Idempotency-Replayed": "true"}
        return _started(request, submitted, status=201, follow=query.follow, headers=headers)


class ResultView(ApiView):
    """One execution."""

    scopes = {"GET": Scope.READ, "PUT": Scope.SUBMIT}
    insights = {"GET": Insight.PAYLOAD}

    @endpoint(
        "get_result",
        tag="executions",
        query=FollowQuery,
        headers={"Prefer": _PREFER},
        answers={200: RETVAL},
        problems=[
            ProblemCode.EXECUTION_NOT_FOUND,
            ProblemCode.INVALID_ID,
            ProblemCode.NOT_FINISHED,
            ProblemCode.TOO_MANY_FOLLOWERS,
        ],
    )
    def get(self, request: Request, execution_id: str) -> HttpResponseBase:
        """Return what the execution came to."""
        query = read_query(request, FollowQuery)
        target = parse_execution_id(execution_id)
        retval = result_of(SqlJournal.for_current_connection(), target)
        if retval is not None:
            return json_answer(retval_to_api(retval))
        if query.follow:
            return result_stream(target, still_has(request, Scope.READ), headers={})
        problem = Problem(ProblemCode.NOT_FINISHED, f"{target} has not finished", err="not finished yet")
        if (wait_s := preferred_wait(request)) == 0:
            raise problem
        return _waiting(request, problem_answer(request, problem), target, wait_s, status=200)

    @endpoint(
        "submit_as",
        tag="executions",
        query=SubmitQuery,
        body=SubmitBody,
        body_examples=[("Fibonacci", {"ffqn": "testing:fibo-workflow/workflow.fiboa", "params": [10, 500]})],
        headers={"Prefer": _PREFER},
        answers={200: STARTED, 201: STARTED, 202: MessageDocument},
        text=True,
        problems=[
            ProblemCode.FUNCTION_NOT_FOUND,
            ProblemCode.INVALID_CALL,
            ProblemCode.DEPLOYMENT_UNUSABLE,
            ProblemCode.TOO_MANY_FOLLOWERS,
            ProblemCode.INVALID_ID,
            ProblemCode.EXECUTION_EXISTS,
        ],
    )
    def put(self, request: Request, execution_id: str) -> HttpResponseBase:
        """Start an execution under this id; the same call again changes nothing."""
        query = read_query(request, SubmitQuery)
        _refuse_unanswerable(request, follow=query.follow)
        chosen = parse_top_level_id(execution_id)
        journal = _recording(request, chosen, query.reason)
        (submitted,) = submit_all([_call(request, read_body(request, SubmitBody), chosen)], journal=journal)
        return _started(request, submitted, status=201 if submitted.is_new else 200, follow=query.follow, headers={})


def _refuse_unanswerable(request: Request, *, follow: bool) -> None:
    """Refuse who could not be answered in the way that is asked for, before anything is started."""
    if follow or preferred_wait(request):
        require_insight(request, Insight.PAYLOAD)
        refuse_too_many_followers()


def _recording(request: Request, execution_id: ExecutionId, reason: str) -> RecordingJournal:
    principal = principal_of(request.user)
    assert principal is not None  # `HasScope` lets nobody else through
    return RecordingJournal(execution_id, Operation.SUBMIT, actor=principal.actor, reason=reason)


def _call(request: Request, body: SubmitBody, execution_id: ExecutionId) -> Call:
    return Call(
        body.ffqn,
        body.params,
        execution_id=execution_id,
        paused=body.paused,
        labels=body.labels,
        traceparent=request.headers.get("traceparent"),
    )


def _submit_once(request: Request, call: Call, key: str, journal: RecordingJournal) -> Submitted:
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise Problem(
            ProblemCode.INVALID_PARAMETER, f"{_KEY_HEADER}: expected 1 to {_LONGEST_KEY} printable characters"
        )
    principal = principal_of(request.user)
    assert principal is not None
    asked = msgspec.json.encode([call.function, call.params, call.paused, sorted(call.labels.items())])
    digest = hashlib.sha256(asked).hexdigest()
    return submit_once(call, principal=principal.key, key=key, request_digest=digest, journal=journal)


def _started(
    request: Request, submitted: Submitted, *, status: int, follow: bool, headers: dict[str, str]
) -> HttpResponseBase:
    target = submitted.execution_id
    headers = {"Location": f"/v1/executions/{quote(target, safe=':')}", **headers}
    if follow:
        return result_stream(target, still_has(request, Scope.SUBMIT), status=status, headers=headers)
    wait_s = preferred_wait(request)
    answer = message(request, target, status=202 if wait_s else status, headers=headers)
    return _waiting(request, answer, target, wait_s, status=status, headers=headers) if wait_s else answer


def _waiting(
    request: Request,
    now: HttpResponse,
    target: ExecutionId,
    wait_s: int,
    *,
    status: int,
    headers: dict[str, str] | None = None,
) -> WaitingAnswer:
    refuse_too_many_followers()

    def then() -> HttpResponse:
        retval = result_of(SqlJournal.for_current_connection(), target)
        assert retval is not None
        applied = {"Preference-Applied": f"wait={wait_s}", **(headers or {})}
        return json_answer(retval_to_api(retval), status=status, headers=applied)

    return WaitingAnswer(now, execution_id=target, wait_s=wait_s, then=then)
