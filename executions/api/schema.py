"""The OpenAPI document: what each endpoint takes and gives, said with the structs that it reads and answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from msgspec import Struct

from executions.api.answers import JSON, PROBLEM_JSON, TEXT
from executions.api.problems import KINDS, Problem, ProblemCode

View = TypeVar("View", bound=Callable[..., Any])

TITLE: Final = "Obelisk"
_REF: Final = "#/components/schemas/{name}"
_ALWAYS: Final = (
    ProblemCode.UNKNOWN_PARAMETER,
    ProblemCode.MALFORMED_REQUEST,
    ProblemCode.UNAUTHENTICATED,
    ProblemCode.MISSING_SCOPE,
    ProblemCode.CSRF_FAILED,
    ProblemCode.THROTTLED,
    ProblemCode.INTERNAL_ERROR,
    ProblemCode.DATABASE_UNAVAILABLE,
)
"""Problems that any endpoint may answer with."""
_OF_BODIES: Final = (
    ProblemCode.MALFORMED_JSON,
    ProblemCode.INVALID_BODY,
    ProblemCode.BODY_TOO_LARGE,
    ProblemCode.UNSUPPORTED_MEDIA_TYPE,
)
_types: set[Any] = set()
"""Every type that some endpoint takes or gives."""


class MessageDocument(Struct, frozen=True):
    """A request succeeded."""

    ok: str


class ProblemDocument(Struct, frozen=True, kw_only=True):
    """A request was refused, or failed: RFC 9457, with `code` to tell problems apart and `err` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    err: str


class ReturnedOk(Struct, frozen=True):
    """The function returned well."""

    ok: Any


class ReturnedError(Struct, frozen=True):
    """The function returned an error."""

    err: Any


class Failure(Struct, frozen=True, omit_defaults=True):
    """Why the platform ended an execution."""

    kind: str
    reason: str | None = None
    detail: str | None = None


class FailedExecution(Struct, frozen=True):
    """The platform ended the execution."""

    execution_failed: Failure


def endpoint(
    name: str,
    *,
    tag: str,
    answers: Mapping[int, Any],
    text: bool = False,
    content_type: str | None = None,
    query: type[Struct] | None = None,
    body: Any = None,
    body_examples: Sequence[tuple[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    problems: Sequence[ProblemCode] = (),
) -> Callable[[View], View]:
    """Describe a method of a view in the OpenAPI document.

    Args:
        name: The operation's id.
        tag: What it is about.
        answers: What it answers with, by status: a type of `msgspec`, a schema, or ``None`` for no body.
        text: Whether it answers in plain text as well.
        content_type: What it answers with in place of JSON.
        query: Its query parameters.
        body: The type of its body.
        body_examples: Bodies, each with a title.
        headers: Request headers that it reads, each with what it is for.
        problems: What may be wrong, beside what may be wrong with every request.
    """
    known = dict.fromkeys([*problems, *(_OF_BODIES if body is not None else ()), *_ALWAYS])
    if query is not None:
        known[ProblemCode.INVALID_PARAMETER] = None
    responses: dict[Any, Any] = {}
    for status, kind in answers.items():
        if kind is None:
            responses[status] = OpenApiResponse(description="Nothing.")
            continue
        responses[(status, content_type or JSON)] = schema_of(kind) if content_type is None else {"type": "string"}
        if text:
            responses[(status, TEXT)] = {"type": "string"}
    responses |= _problem_responses(list(known))

    def describe(method: View) -> View:
        summary = (method.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        decorated: View = extend_schema(
            operation_id=name,
            summary=summary,
            tags=[tag],
            request=None if body is None else {JSON: schema_of(body)},
            parameters=[*_parameters(query), *_headers(headers or {})],
            responses=responses,
            examples=[
                OpenApiExample(title, value=value, request_only=True, media_type=JSON) for title, value in body_examples
            ],
        )(method)
        return decorated

    return describe


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON schema of a type; structs in it are referred to, and stand among the document's components."""
    if isinstance(kind, dict):
        return kind
    _types.add(kind)
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema


RETVAL: Final = {"anyOf": [schema_of(form) for form in (ReturnedOk, ReturnedError, FailedExecution)]}
"""What an execution came to; `msgspec` has no unions of such structs."""


def add_components(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Put the structs' schemas into the document; a post-processing hook of drf-spectacular."""
    _, components = msgspec.json.schema_components(sorted(_types, key=repr), ref_template=_REF)
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(sorted(components.items()))
    return result


def _parameters(query: type[Struct] | None) -> list[OpenApiParameter]:
    if query is None:
        return []
    _, components = msgspec.json.schema_components([query], ref_template=_REF)
    schema = components[query.__name__]
    required = set(schema["required"])
    return [
        _parameter(name, described, components, required=name in required)
        for name, described in schema["properties"].items()
    ]


def _parameter(name: str, schema: Any, components: Mapping[str, Any], *, required: bool) -> OpenApiParameter:
    described = dict(schema)
    # A parameter is there or not; it is never null.
    for form in described.pop("anyOf", ()):
        if form != {"type": "null"}:
            described.update(form)
    if not described.get("default"):
        described.pop("default", None)
    described = _inlined(described, components)
    description = described.pop("description", "")
    return OpenApiParameter(name, type=described, required=required, description=description)


def _inlined(schema: Any, components: Mapping[str, Any]) -> Any:
    """Return a parameter's schema with the enums that it refers to in it; they are the only ones."""
    if isinstance(schema, dict):
        target = schema.get("$ref", "").rpartition("/")[2]
        if target:
            return {"type": "string", "enum": components[target]["enum"], **_without(schema, "$ref")}
        return {key: _inlined(value, components) for key, value in schema.items()}
    return schema


def _without(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}


def _headers(headers: Mapping[str, str]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(name, type=str, location=OpenApiParameter.HEADER, description=description)
        for name, description in headers.items()
    ]


def _problem_responses(codes: Sequence[ProblemCode]) -> dict[Any, OpenApiResponse]:
    by_status: dict[int, list[ProblemCode]] = {}
    for code in codes:
        by_status.setdefault(KINDS[code].status, []).append(code)
    schema = schema_of(ProblemDocument)
    responses: dict[Any, OpenApiResponse] = {}
    for status, alike in sorted(by_status.items()):
        description = "; ".join(KINDS[code].title for code in alike) + "."
        examples = [
            OpenApiExample(code.value, value=Problem(code, KINDS[code].title).document(), media_type=PROBLEM_JSON)
            for code in alike
        ]
        responses[(status, PROBLEM_JSON)] = OpenApiResponse(schema, description=description, examples=examples)
        responses[(status, TEXT)] = OpenApiResponse({"type": "string"}, description=description)
    return responses


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """Tells the document of tokens."""

    target_class = "executions.access.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return how a token is sent."""
        return {"type": "http", "scheme": "bearer", "description": "Made by `manage.py token create`."}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # as above
    """Tells the document of sessions."""

    target_class = "executions.access.authentication.SessionLogin"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return how a session is told."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "Of a person who is logged in."}
