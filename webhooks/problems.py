"""What a client is told when no component answers: plain text, or a problem document if it asks for JSON.

Source:
    Obelisk reference, section 8, for the words; RFC 9457 for the document. 405, 413, 401 and 504 are ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.activity.http.messages import Header
from engine.executor.webhook_run import Failure, RequestFailed

_JSON_TYPES = ("application/json", "application/problem+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request was not handed to a component, or has no response from it.

    Args:
        status: HTTP status.
        code: Stable name, for programs.
        detail: One sentence, for people.
        headers: Further headers.
    """

    status: int
    code: str
    detail: str
    headers: tuple[Header, ...] = ()

    def render(self, headers: tuple[Header, ...]) -> tuple[tuple[Header, ...], bytes]:
        """Return the headers and the body of the response to a request with these headers."""
        if wants_json(headers):
            content_type = b"application/problem+json"
            document = {
                "type": "about:blank",
                "title": self.detail,
                "status": self.status,
                "code": self.code,
                "err": self.detail,
            }
            body = json.dumps(document).encode()
        else:
            content_type = b"text/plain; charset=utf-8"
            body = self.detail.encode()
        about = (("content-type", content_type), ("content-length", str(len(body)).encode()))
        return (*about, *self.headers), body


def wants_json(headers: tuple[Header, ...]) -> bool:
    """Tell whether a request's ``Accept`` names JSON before plain text."""
    for name, value in headers:
        if name.lower() == "accept":
            for part in value.decode("latin-1").split(","):
                media_type = part.partition(";")[0].strip().lower()
                if media_type in _JSON_TYPES:
                    return True
                if media_type in ("text/plain", "text/*"):
                    return False
    return False


NOT_FOUND = Problem(status=404, code="route_not_found", detail="Route not found")
BUSY = Problem(
    status=503, code="out_of_permits", detail="Out of permits: too many requests", headers=(("retry-after", b"1"),)
)


def method_not_allowed(allowed: tuple[str, ...]) -> Problem:
    """Return the problem of a path that is there for other methods."""
    methods = ", ".join(sorted(allowed))
    return Problem(
        status=405,
        code="method_not_allowed",
        detail=f"Method not allowed; this route takes {methods}",
        headers=(("allow", methods.encode()),),
    )


def body_too_large(most: int) -> Problem:
    """Return the problem of a body that is larger than the endpoint takes."""
    return Problem(status=413, code="body_too_large", detail=f"The body is larger than {most} bytes")


def problem_of(failed: RequestFailed) -> Problem:
    """Return the problem of a request that a component gave no response to."""
    status = _STATUSES[failed.failure]
    return Problem(status=status, code=f"webhook_{failed.failure}", detail=failed.message)


_STATUSES = {
    Failure.UNUSABLE: 503,
    Failure.GIVEN_UP: 503,
    Failure.TIMED_OUT: 504,
    Failure.BROKEN: 500,
    Failure.ERROR_CODE: 500,
}


def signature_refused(reason: str) -> Problem:
    """Return the problem of a request that nobody who may sign it has signed."""
    return Problem(
        status=401,
        code="signature_refused",
        detail=f"The signature is refused: {reason}",
        headers=(("www-authenticate", b"Signature"),),
    )
