"""Endpoints of the functions that are deployed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from django.http import HttpResponse
from msgspec import UNSET, Meta, Struct, UnsetType
from rest_framework.request import Request

from engine.deployment.imports import EXPORT_KINDS
from engine.deployment.registry import DeployedFunction
from engine.wit.extensions import ExtensionFunction, ExtensionKind, extension_functions
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType
from engine.wit.wit_text import format_interfaces
from executions.access.scopes import Scope
from executions.api.answers import json_answer, text_answer, wants_text
from executions.api.bodies import read_query
from executions.api.problems import Problem, ProblemCode
from executions.api.schema import endpoint
from executions.api.views import ApiView
from executions.deployed import deployed_registry


class FunctionsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which functions."""

    extensions: Annotated[bool, Meta(description="Also the functions that are generated for each.")] = False


class WitQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which function."""

    ffqn: str


class FunctionDocument(Struct, frozen=True, kw_only=True):
    """A function that is deployed."""

    ffqn: str
    extension: ExtensionKind | UnsetType = UNSET


class FunctionListView(ApiView):
    """All functions."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "list_functions",
        tag="functions",
        query=FunctionsQuery,
        answers={200: list[FunctionDocument]},
        text=True,
        problems=[ProblemCode.DEPLOYMENT_UNUSABLE],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the functions of the active deployment."""
        query = read_query(request, FunctionsQuery)
        documents = list(_documents(with_extensions=query.extensions))
        if wants_text(request):
            return text_answer("".join(f"{document.ffqn}\n" for document in documents))
        return json_answer(documents)


class FunctionWitView(ApiView):
    """The types of one function."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "get_function_wit",
        tag="functions",
        query=WitQuery,
        answers={200: str},
        content_type="text/plain",
        problems=[ProblemCode.FUNCTION_NOT_FOUND, ProblemCode.DEPLOYMENT_UNUSABLE],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the interface of a function as WIT text, with nothing else in it."""
        query = read_query(request, WitQuery)
        found = _types().get(query.ffqn)
        if found is None:
            explained = deployed_registry().explain_missing(query.ffqn)
            raise Problem(ProblemCode.FUNCTION_NOT_FOUND, explained, err="ffqn not found")
        name, function = found
        return text_answer(format_interfaces({name.interface: {name.function: function}}))


def _documents(*, with_extensions: bool) -> Iterator[FunctionDocument]:
    for function in deployed_registry().all_functions():
        yield FunctionDocument(ffqn=str(function.name))
        for companion in _companions(function) if with_extensions else ():
            yield FunctionDocument(ffqn=str(companion.name), extension=companion.kind)


def _types() -> dict[str, tuple[FunctionName, FunctionType]]:
    types = {}
    for function in deployed_registry().all_functions():
        types[str(function.name)] = (function.name, function.type)
        types.update({str(each.name): (each.name, each.type) for each in _companions(function)})
    return types


def _companions(function: DeployedFunction) -> tuple[ExtensionFunction, ...]:
    return extension_functions(function.name, function.type, EXPORT_KINDS[function.component.id.component_type])
