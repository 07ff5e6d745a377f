"""What can go wrong with a request, each with a code that stays the same for ever.

`docs/api-errors.md` is generated from the table here.

Source:
    RFC 9457; the texts of ``err`` that clients know are Obelisk's, reference section 9.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

PROBLEMS_PATH: Final = "/v1/problems"
"""Where the codes are explained."""


MOST_DETAIL_CHARACTERS: Final = 16_384
"""Of what a problem says: it quotes what was sent, which may be as large as a body."""


class ProblemCode(StrEnum):
    """The codes; programs tell problems apart by them."""

    # The request itself
    MALFORMED_REQUEST = "malformed_request"
    MALFORMED_JSON = "malformed_json"
    INVALID_BODY = "invalid_body"
    INVALID_PARAMETER = "invalid_parameter"
    UNKNOWN_PARAMETER = "unknown_parameter"
    INVALID_CURSOR = "invalid_cursor"
    INVALID_ID = "invalid_id"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NO_SUCH_ENDPOINT = "no_such_endpoint"
    # Who sends it
    UNAUTHENTICATED = "unauthenticated"
    MISSING_SCOPE = "missing_scope"
    CSRF_FAILED = "csrf_failed"
    THROTTLED = "throttled"
    # What it asks for
    EXECUTION_NOT_FOUND = "execution_not_found"
    FUNCTION_NOT_FOUND = "function_not_found"
    INVALID_CALL = "invalid_call"
    EXECUTION_EXISTS = "execution_exists"
    NOT_FINISHED = "not_finished"
    ALREADY_FINISHED = "already_finished"
    ALREADY_CANCELLING = "already_cancelling"
    ALREADY_ANSWERED = "already_answered"
    NOT_CANCELLABLE = "not_cancellable"
    NOT_ANSWERABLE = "not_answerable"
    INVALID_RESULT = "invalid_result"
    ILLEGAL_STATE = "illegal_state"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    DELAY_NOT_FOUND = "delay_not_found"
    NO_WORKFLOW = "no_workflow"
    VERSION_MISSING = "version_missing"
    REPLAY_FAILED = "replay_failed"
    VERSION_MISMATCH = "version_mismatch"
    REPLAY_MISMATCH = "replay_mismatch"
    UPGRADE_FAILS = "upgrade_fails"
    FORK_REFUSED = "fork_refused"
    BACKTRACE_NOT_FOUND = "backtrace_not_found"
    SOURCE_NOT_FOUND = "source_not_found"
    SIGNAL_UNKNOWN = "signal_unknown"
    QUERY_UNKNOWN = "query_unknown"
    QUERY_FAILED = "query_failed"
    # Deployments
    DEPLOYMENT_NOT_FOUND = "deployment_not_found"
    COMPONENT_NOT_FOUND = "component_not_found"
    FILE_NOT_FOUND = "file_not_found"
    CRON_NOT_FOUND = "cron_not_found"
    DEPLOYMENT_REFUSED = "deployment_refused"
    FILES_REFUSED = "files_refused"
    DEPLOYMENT_EXISTS = "deployment_exists"
    BUSY = "busy"
    RUNTIME_UNAVAILABLE = "runtime_unavailable"
    # Webhooks
    DELIVERY_NOT_FOUND = "delivery_not_found"
    DELIVERY_NOT_REPLAYABLE = "delivery_not_replayable"
    # The site
    TOO_MANY_FOLLOWERS = "too_many_followers"
    DATABASE_UNAVAILABLE = "database_unavailable"
    DEPLOYMENT_UNUSABLE = "deployment_unusable"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem.

    Args:
        status: The HTTP status.
        title: The same few words every time.
        remedy: What a client can do about it.
    """

    status: int
    title: str
    remedy: str


KINDS: Final[Mapping[ProblemCode, ProblemKind]] = {
    ProblemCode.MALFORMED_REQUEST: ProblemKind(
        400, "Not an HTTP request that this site takes", "Mend what `detail` names: the host, the form or the encoding."
    ),
    ProblemCode.MALFORMED_JSON: ProblemKind(
        400, "The body is not JSON", "Send one JSON document in UTF-8; `detail` tells line and column."
    ),
    ProblemCode.INVALID_BODY: ProblemKind(
        400,
        "The body is not of the expected form",
        "Compare it with the schema at /v1/schema; `detail` names the place.",
    ),
    ProblemCode.INVALID_PARAMETER: ProblemKind(
        400, "A query parameter has a value it cannot have", "Mend the parameter that `detail` names."
    ),
    ProblemCode.UNKNOWN_PARAMETER: ProblemKind(
        400, "A query parameter that this endpoint does not have", "Leave it out; `detail` names those that there are."
    ),
    ProblemCode.INVALID_CURSOR: ProblemKind(
        400, "The cursor leads nowhere", "Use a cursor from an earlier answer to the same question, or none."
    ),
    ProblemCode.INVALID_ID: ProblemKind(
        400, "Not an id of the expected kind", "Send an id as the API gave it; a `/` in it is sent as %2F."
    ),
    ProblemCode.BODY_TOO_LARGE: ProblemKind(413, "The body is too large", "Send less; `detail` tells the limit."),
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: ProblemKind(
        415, "The body's media type is not taken here", "Send application/json, with the header Content-Type."
    ),
    ProblemCode.METHOD_NOT_ALLOWED: ProblemKind(
        405, "This endpoint does not have that method", "Use one of those that the header Allow names."
    ),
    ProblemCode.NO_SUCH_ENDPOINT: ProblemKind(404, "There is no such endpoint", "/v1/schema lists all endpoints."),
    ProblemCode.UNAUTHENTICATED: ProblemKind(
        401,
        "Nobody knows who sends this",
        "Send `Authorization: Bearer TOKEN` with a token that is neither revoked nor expired.",
    ),
    ProblemCode.MISSING_SCOPE: ProblemKind(
        403,
        "The sender may not do this",
        "Use a token with the scope that `detail` names; people get it from a group: viewer, operator or deployer.",
    ),
    ProblemCode.CSRF_FAILED: ProblemKind(
        403, "The session's CSRF token is missing", "Browsers send it in the header X-CSRFToken; programs use a token."
    ),
    ProblemCode.THROTTLED: ProblemKind(
        429, "Too many requests", "Wait as many seconds as the header Retry-After says."
    ),
    ProblemCode.EXECUTION_NOT_FOUND: ProblemKind(
        404, "There is no such execution", "Look at its id; finished executions may have been deleted."
    ),
    ProblemCode.FUNCTION_NOT_FOUND: ProblemKind(
        404, "No such function is deployed", "/v1/functions lists those that are; a name ends in interface.function."
    ),
    ProblemCode.INVALID_CALL: ProblemKind(
        400, "The function cannot be called like this", "Mend the parameter that `detail` names."
    ),
    ProblemCode.EXECUTION_EXISTS: ProblemKind(
        409, "The execution id is taken by another call", "Use another id, or the very same call."
    ),
    ProblemCode.NOT_FINISHED: ProblemKind(
        425, "The execution has not finished", "Ask again later, with `?follow=true`, or with `Prefer: wait=30`."
    ),
    ProblemCode.ALREADY_FINISHED: ProblemKind(409, "The execution has ended", "Nothing can be done to it any more."),
    ProblemCode.ALREADY_CANCELLING: ProblemKind(
        409, "The execution is being cancelled already", "Wait until it has ended."
    ),
    ProblemCode.ALREADY_ANSWERED: ProblemKind(
        409, "The execution has another result already", "Its result cannot be changed."
    ),
    ProblemCode.NOT_CANCELLABLE: ProblemKind(
        422,
        "A workflow that cannot be cancelled",
        "Only activities, delays, and workflows whose name ends in -cancellable can be.",
    ),
    ProblemCode.NOT_ANSWERABLE: ProblemKind(
        404, "The execution's result is not brought from outside", "Only stubs and external activities are answered."
    ),
    ProblemCode.INVALID_RESULT: ProblemKind(
        422, "The result is not of the function's type", "Mend the place that `detail` names."
    ),
    ProblemCode.ILLEGAL_STATE: ProblemKind(
        422, "The execution's state does not allow it", "`detail` tells what it would have to be."
    ),
    ProblemCode.IDEMPOTENCY_KEY_REUSED: ProblemKind(
        422,
        "The Idempotency-Key was used for another request",
        "Use a fresh key for each request that is not a repetition.",
    ),
    ProblemCode.DELAY_NOT_FOUND: ProblemKind(
        404, "No such delay waits", "It may have fired or been cancelled; the events of its execution tell."
    ),
    ProblemCode.NO_WORKFLOW: ProblemKind(
        404, "Not a workflow", "Only workflows are replayed, advanced and forked; look at the function's kind."
    ),
    ProblemCode.VERSION_MISSING: ProblemKind(
        404, "The component's version is not there", "Deploy it, or send the digest that `detail` names."
    ),
    ProblemCode.REPLAY_FAILED: ProblemKind(
        409, "The code does not follow the recorded history", "`error` and `version` tell where they part."
    ),
    ProblemCode.VERSION_MISMATCH: ProblemKind(
        422, "The execution has moved on", "Replay it again; `expected` is its next version."
    ),
    ProblemCode.REPLAY_MISMATCH: ProblemKind(
        422, "A replay gives other writes", "Send back what replay answered with, changing nothing but `paused`."
    ),
    ProblemCode.UPGRADE_FAILS: ProblemKind(
        422, "The other version cannot follow the recorded history", "Fork the execution, or deploy another version."
    ),
    ProblemCode.FORK_REFUSED: ProblemKind(
        422, "There can be no such fork", "Mend what `detail` names; `dry_run` tells what a fork would do."
    ),
    ProblemCode.BACKTRACE_NOT_FOUND: ProblemKind(
        404, "No backtrace is known", "Ask for an event of a workflow that a call wrote; `events` tells them."
    ),
    ProblemCode.SOURCE_NOT_FOUND: ProblemKind(
        404,
        "No source of this name is stored",
        "Send the `file` of a frame as it stands there; compiled components need `backtrace.sources`.",
    ),
    ProblemCode.SIGNAL_UNKNOWN: ProblemKind(
        404, "No such signal is deployed", "Name the stub function in full; `/v1/functions` lists them."
    ),
    ProblemCode.QUERY_UNKNOWN: ProblemKind(
        404, "The workflow's file has no such query", "`detail` names those that it has."
    ),
    ProblemCode.QUERY_FAILED: ProblemKind(422, "The query raised an exception", "`trace` tells where in the file."),
    ProblemCode.DEPLOYMENT_NOT_FOUND: ProblemKind(
        404, "There is no such deployment", "/v1/deployments lists those that there are."
    ),
    ProblemCode.COMPONENT_NOT_FOUND: ProblemKind(
        404, "The deployment has no such component", "/v1/components lists those that it has."
    ),
    ProblemCode.FILE_NOT_FOUND: ProblemKind(
        404, "No file of this digest is stored", "A deployment's answer lists its files with their digests."
    ),
    ProblemCode.CRON_NOT_FOUND: ProblemKind(
        404, "Nothing of this name is started by the clock", "/v1/crons lists what is."
    ),
    ProblemCode.DEPLOYMENT_REFUSED: ProblemKind(
        400, "The deployment cannot be run", "Mend what `detail` names, a line each; nothing was changed."
    ),
    ProblemCode.FILES_REFUSED: ProblemKind(
        409,
        "Files of the deployment are missing or wrong",
        "Send again with the files of `missing_files`, and without those of `unexpected_files`.",
    ),
    ProblemCode.DEPLOYMENT_EXISTS: ProblemKind(
        409, "The deployment id is taken by another deployment", "Use another id, or the very same deployment file."
    ),
    ProblemCode.BUSY: ProblemKind(
        503,
        "Something that has to be done first, or alone, is under way",
        "Try again after as many seconds as the header Retry-After says; nothing was changed.",
    ),
    ProblemCode.RUNTIME_UNAVAILABLE: ProblemKind(
        503,
        "The interpreter that the deployment needs cannot be built on this machine",
        "Mend on the server what `detail` names, and submit it again.",
    ),
    ProblemCode.DELIVERY_NOT_FOUND: ProblemKind(
        404, "There is no delivery of this id", "/v1/webhooks/deliveries lists what is kept."
    ),
    ProblemCode.DELIVERY_NOT_REPLAYABLE: ProblemKind(
        409, "The delivery cannot be answered once more", "`detail` says why; nothing was changed."
    ),
    ProblemCode.TOO_MANY_FOLLOWERS: ProblemKind(
        503, "Too many clients follow executions", "Ask for the status now and then, or raise OBELISK_API_FOLLOWERS."
    ),
    ProblemCode.DATABASE_UNAVAILABLE: ProblemKind(
        503, "The database does not answer", "Try again; nothing is known to have been changed."
    ),
    ProblemCode.DEPLOYMENT_UNUSABLE: ProblemKind(
        503, "What is deployed cannot be read on this machine", "Look at the site's log, and deploy again."
    ),
    ProblemCode.INTERNAL_ERROR: ProblemKind(
        500, "This program failed", "The site's log has the details under the time of the request."
    ),
}


class Problem(Exception):
    """A request that is refused, or cannot be carried out.

    Args:
        code: Which problem.
        detail: One sentence on this very case; holds no secret. What is beyond `MOST_DETAIL_CHARACTERS` is cut off.
        err: What Obelisk's clients are told; ``detail`` by default.
        members: More members of the document.
        headers: Headers of the answer.
    """

    def __init__(
        self,
        code: ProblemCode,
        detail: str,
        *,
        err: str | None = None,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail = code, _shortened(detail)
        self.err = self.detail if err is None else err
        self.members, self.headers = members or {}, headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.code].status

    def document(self) -> dict[str, Any]:
        """Return the problem document, with ``err`` for clients of Obelisk."""
        return {
            "type": f"{PROBLEMS_PATH}#{self.code.value}",
            "title": KINDS[self.code].title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code.value,
            "err": self.err,
            **self.members,
        }


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_DETAIL_CHARACTERS else f"{text[:MOST_DETAIL_CHARACTERS]}..."
