"""From whatever goes wrong to a problem document, and a line in the log.

The line says who asked for what and why it was refused. It holds no values: parameters and results stay out of logs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import structlog
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import UnreadablePostError
from django.views import defaults
from rest_framework import exceptions as drf
from rest_framework.request import Request

from components.busy import Busy
from components.problems import DeploymentRefused
from components.submission import DeploymentExists
from components.submitted_files import FileReport, FilesRefused
from components.switching import DeploymentNotFound
from engine import errors as engine
from executions.access.authentication import REFUSAL
from executions.access.principals import Principal
from executions.api.answers import problem_answer
from executions.api.problems import Problem, ProblemCode
from executions.component_versions import VersionMissing
from executions.cron.operating import CronNotFound
from executions.operations.answering import AlreadyAnswered, AnswerRefused, NotAnswerable
from executions.operations.captured_writes import CapturedWritesInvalid
from executions.operations.delays import DelayNotFound
from executions.operations.forking import ForkRefused
from executions.operations.idempotency import KeyReused
from executions.operations.querying import QueryFailed, QueryUnknown
from executions.operations.refusals import OperationRefused
from executions.operations.replaying import NoWorkflow
from executions.operations.signalling import SignalTooLate, SignalUnknown
from executions.operations.submitting import CallRefused, FunctionNotDeployed
from executions.operations.upgrading import UpgradeFails

log = structlog.get_logger(__name__)

_API: Final = "/v1/"
_RETRY_AFTER_S: Final = 1
_MOST_PATH_CHARACTERS: Final = 500
"""Of a path in a line of the log; servers take up to some 16,000."""
_INTERNAL: Final = "internal error; the site's log has the details"
_REFUSALS: Final[tuple[tuple[type[engine.EngineError], ProblemCode, str | None], ...]] = (
    (DelayNotFound, ProblemCode.DELAY_NOT_FOUND, None),
    (engine.ExecutionNotFound, ProblemCode.EXECUTION_NOT_FOUND, None),
    (engine.ExecutionExists, ProblemCode.EXECUTION_EXISTS, "conflict"),
    (engine.AlreadyFinished, ProblemCode.ALREADY_FINISHED, "already finished"),
    (engine.IdSyntaxError, ProblemCode.INVALID_ID, None),
    (FunctionNotDeployed, ProblemCode.FUNCTION_NOT_FOUND, "ffqn not found"),
    (CallRefused, ProblemCode.INVALID_CALL, None),
    (AlreadyAnswered, ProblemCode.ALREADY_ANSWERED, "conflict"),
    (NotAnswerable, ProblemCode.NOT_ANSWERABLE, "function not found"),
    (AnswerRefused, ProblemCode.INVALID_RESULT, None),
    (KeyReused, ProblemCode.IDEMPOTENCY_KEY_REUSED, None),
    (NoWorkflow, ProblemCode.NO_WORKFLOW, None),
    (VersionMissing, ProblemCode.VERSION_MISSING, None),
    (UpgradeFails, ProblemCode.UPGRADE_FAILS, None),
    (ForkRefused, ProblemCode.FORK_REFUSED, None),
    (CapturedWritesInvalid, ProblemCode.INVALID_BODY, None),
    (SignalUnknown, ProblemCode.SIGNAL_UNKNOWN, None),
    (SignalTooLate, ProblemCode.ALREADY_FINISHED, "already finished"),
    (QueryUnknown, ProblemCode.QUERY_UNKNOWN, None),
    (OperationRefused, ProblemCode.ILLEGAL_STATE, None),
    (DeploymentNotFound, ProblemCode.DEPLOYMENT_NOT_FOUND, None),
    (CronNotFound, ProblemCode.CRON_NOT_FOUND, None),
    (DeploymentExists, ProblemCode.DEPLOYMENT_EXISTS, None),
    (DeploymentRefused, ProblemCode.DEPLOYMENT_REFUSED, None),
    (engine.RuntimeUnavailable, ProblemCode.RUNTIME_UNAVAILABLE, None),
)
"""What refusals mean to clients, with the words of Obelisk where it has some; the first that fits counts."""
_ALARMING: Final = frozenset(
    {
        ProblemCode.UNAUTHENTICATED,
        ProblemCode.MISSING_SCOPE,
        ProblemCode.CSRF_FAILED,
        ProblemCode.THROTTLED,
        ProblemCode.DATABASE_UNAVAILABLE,
        ProblemCode.DEPLOYMENT_UNUSABLE,
        ProblemCode.RUNTIME_UNAVAILABLE,
    }
)
"""Problems that an operator may want to hear of; who polls a result, say, is not one."""


def answer_exception(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Return the answer to a request whose view raised; the framework's ``EXCEPTION_HANDLER``."""
    request: Request = context["request"]
    problem = problem_of(error)
    if isinstance(error, drf.MethodNotAllowed):
        problem.headers = {"Allow": ", ".join(context["view"].allowed_methods)}
    _note(request._request, problem, error, who=_who(request))
    return _marked(problem_answer(request, problem))


def problem_of(error: Exception) -> Problem:
    """Return what an exception means to the client."""
    match error:
        case Problem():
            return error
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            challenge = getattr(error, "auth_header", None) or "Bearer"
            return Problem(ProblemCode.UNAUTHENTICATED, REFUSAL, headers={"WWW-Authenticate": challenge})
        case drf.PermissionDenied():
            return Problem(ProblemCode.MISSING_SCOPE, str(error.detail))
        case drf.Throttled():
            wait: float | None = getattr(error, "wait", None)
            headers = {} if wait is None else {"Retry-After": str(math.ceil(wait))}
            return Problem(ProblemCode.THROTTLED, "too many requests; wait a moment", headers=headers)
        case drf.MethodNotAllowed():
            return Problem(ProblemCode.METHOD_NOT_ALLOWED, "this endpoint does not have that method")
        case Http404() | drf.NotFound():
            return Problem(ProblemCode.NO_SUCH_ENDPOINT, "there is no such endpoint")
        case SuspiciousOperation() | UnreadablePostError() | drf.ParseError():
            return Problem(ProblemCode.MALFORMED_REQUEST, str(error) or "the request cannot be read")
        case engine.EngineError():
            return _engine_problem(error)
        case OperationalError() | InterfaceError():
            return _unavailable()
        case DatabaseError():
            return Problem(ProblemCode.INTERNAL_ERROR, "database error")
        case _:
            return Problem(ProblemCode.INTERNAL_ERROR, _INTERNAL)


def _engine_problem(error: engine.EngineError) -> Problem:
    if isinstance(error, engine.JournalUnavailable):
        return _unavailable()
    if isinstance(error, Busy):
        return Problem(ProblemCode.BUSY, str(error), headers={"Retry-After": str(error.retry_after_s)})
    if isinstance(error, FilesRefused):
        return Problem(ProblemCode.FILES_REFUSED, str(error), members=_issues(error.report))
    if isinstance(error, QueryFailed):
        return Problem(ProblemCode.QUERY_FAILED, str(error), members={"trace": error.trace})
    for kind, code, err in _REFUSALS:
        if isinstance(error, kind):
            return Problem(code, str(error), err=err)
    if isinstance(error, engine.DeploymentError):
        return Problem(ProblemCode.DEPLOYMENT_UNUSABLE, "what is deployed cannot be read; the site's log says why")
    return Problem(ProblemCode.INTERNAL_ERROR, _INTERNAL)


def _issues(report: FileReport) -> dict[str, Any]:
    """Return what is wrong with files, by kind; what is not known of a file is left out."""
    return {
        kind: [{key: value for key, value in issue.items() if value is not None} for issue in issues]
        for kind, issues in asdict(report).items()
    }


def _unavailable() -> Problem:
    return Problem(ProblemCode.DATABASE_UNAVAILABLE, "database error", headers={"Retry-After": str(_RETRY_AFTER_S)})


def _note(request: HttpRequest, problem: Problem, error: Exception | None, *, who: str | None) -> None:
    known = {
        "method": request.method,
        "path": request.path[:_MOST_PATH_CHARACTERS],
        "status": problem.status,
        "code": problem.code.value,
        "who": who,
        "address": request.META.get("REMOTE_ADDR"),
    }
    if problem.code is ProblemCode.INTERNAL_ERROR:
        log.error("api.failed", **known, exc_info=error)
    elif problem.code in _ALARMING:
        cause = str(error) if problem.status >= 500 and error is not None else None
        log.warning("api.refused", **known, **({"error": cause} if cause else {}))
    elif problem.code is ProblemCode.NOT_FINISHED:
        log.debug("api.refused", **known)
    else:
        log.info("api.refused", **known)


def _who(request: Request) -> str | None:
    """Return who asks, without checking credentials once more: that may be what failed."""
    user = getattr(request, "_user", None)
    if isinstance(user, Principal):
        return user.name
    return user.get_username() if user is not None and user.is_authenticated else None


def _marked(answer: HttpResponse) -> HttpResponse:
    # Django would write a line of its own for each, without the reason.
    answer._has_been_logged = True  # type: ignore[attr-defined]  # what django.utils.log.log_response looks for
    return answer


# --- What fails before a view is reached, and outside of them ---------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's ``handler400``."""
    if not request.path.startswith(_API):
        return defaults.bad_request(request, exception)
    return _answer_outside(request, problem_of(exception), exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's ``handler500``; Django has logged what happened."""
    if not request.path.startswith(_API):
        return defaults.server_error(request)
    return problem_answer(request, Problem(ProblemCode.INTERNAL_ERROR, _INTERNAL))


def _answer_outside(request: HttpRequest, problem: Problem, error: Exception) -> HttpResponse:
    _note(request, problem, error, who=None)
    return _marked(problem_answer(request, problem))
