"""Endpoints of components and files.

Source:
    Obelisk reference, section 9.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from django.http import HttpResponse
from msgspec import UNSET, Meta, Struct, convert
from rest_framework.request import Request

from components.component_wit import component_wit, exports_with_companions
from components.deployed_rows import authored_names, deployed_components, stored_components
from components.interface_codec import decode_interfaces, encode_params
from components.models import Blob, Component, ComponentFile, Function
from components.reports import describe_companions, describe_function
from components.switching import find_deployment
from engine.deployment.imports import EXPORT_KINDS
from engine.deployment.spec import ComponentType
from engine.wit.grammar import format_type
from engine.wit.names import InterfaceName
from engine.wit.types import FunctionType, WitType
from engine.wit.wit_text import format_interfaces
from executions.access.scopes import Insight, Scope
from executions.api.answers import json_answer, text_answer, wants_text
from executions.api.bodies import read_query
from executions.api.deployment_documents import (
    ComponentDocument,
    ComponentFileDocument,
    ComponentIdDocument,
    FunctionDetails,
    ParameterDocument,
    StoredFile,
)
from executions.api.execution_queries import NoQuery
from executions.api.problems import Problem, ProblemCode
from executions.api.schema import endpoint
from executions.api.views import ApiView

Rows = Sequence[tuple[Component, list[Function]]]


class ComponentsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which components, and what of them."""

    deployment_id: Annotated[str, Meta(description="The active one by default.")] | None = None
    type: ComponentType | None = None
    name: str | None = None
    digest: str | None = None
    ffqn: Annotated[str, Meta(description="Only components that export this function.")] | None = None
    exports: Annotated[bool, Meta(description="With the functions that they export.")] = False
    imports: Annotated[bool, Meta(description="With the functions that they import.")] = False
    extensions: Annotated[bool, Meta(description="Among the exports, those that are generated, too.")] = False
    submittable: Annotated[bool, Meta(description="Only exports that can be started; only such components.")] = False


class WitQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which deployment."""

    deployment_id: Annotated[str, Meta(description="The active one by default.")] | None = None


class ComponentListView(ApiView):
    """The components of a deployment."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "list_components",
        tag="deployments",
        answers={200: list[ComponentDocument]},
        query=ComponentsQuery,
        text=True,
        problems=[ProblemCode.DEPLOYMENT_NOT_FOUND, ProblemCode.DEPLOYMENT_UNUSABLE],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the components, in the order of the deployment file."""
        query = read_query(request, ComponentsQuery)
        chosen = [(row, functions) for row, functions in _rows(query.deployment_id) if _fits(row, functions, query)]
        if wants_text(request):
            return text_answer("".join(f"{row.component_type}:{row.name}:{row.digest}\n" for row, _ in chosen))
        files = _files([row for row, _ in chosen])
        return json_answer([_document(row, functions, files.get(row.pk, []), query) for row, functions in chosen])


class ComponentWitView(ApiView):
    """The types of a component."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "get_component_wit",
        tag="deployments",
        answers={200: str, 204: None},
        query=WitQuery,
        content_type="text/plain",
        problems=[ProblemCode.DEPLOYMENT_NOT_FOUND, ProblemCode.COMPONENT_NOT_FOUND, ProblemCode.DEPLOYMENT_UNUSABLE],
    )
    def get(self, request: Request, digest: str) -> HttpResponse:
        """Return what the component imports and exports as WIT text, with what is generated for its exports."""
        query = read_query(request, WitQuery)
        for row, functions in _rows(query.deployment_id):
            if row.digest == digest:
                text = component_wit(row, functions, companions=True)
                return text_answer(text) if text else HttpResponse(status=204)
        raise Problem(
            ProblemCode.COMPONENT_NOT_FOUND, f"the deployment has no component with the digest {digest[:100]}"
        )


class WitView(ApiView):
    """The types of all that can be called."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "get_wit",
        tag="deployments",
        answers={200: str},
        query=WitQuery,
        content_type="text/plain",
        problems=[ProblemCode.DEPLOYMENT_NOT_FOUND, ProblemCode.DEPLOYMENT_UNUSABLE],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return what activities and workflows export, and what is generated for it, as WIT text, a block a package."""
        query = read_query(request, WitQuery)
        exports: dict[InterfaceName, dict[str, FunctionType]] = {}
        names: dict[InterfaceName, dict[str, WitType]] = {}
        for row, functions in _rows(query.deployment_id):
            if ComponentType(row.component_type) in EXPORT_KINDS:
                for interface, found in exports_with_companions(row, functions).items():
                    exports.setdefault(interface, {}).update(found)
                    names.setdefault(interface, {}).update(authored_names(row))
        return text_answer(format_interfaces(exports, type_names=names))


class FileView(ApiView):
    """Stored files."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.SOURCE}

    @endpoint(
        "get_file",
        tag="deployments",
        answers={200: bytes},
        content_type="application/octet-stream",
        problems=[ProblemCode.FILE_NOT_FOUND],
    )
    def get(self, request: Request, digest: str) -> HttpResponse:
        """Return the bytes of a file that a deployment is made of."""
        read_query(request, NoQuery)
        content = Blob.objects.filter(digest=digest).values_list("content", flat=True).first()
        if content is None:
            raise Problem(ProblemCode.FILE_NOT_FOUND, f"no file with the digest {digest[:100]} is stored")
        headers = {"Cache-Control": "no-store"}
        return HttpResponse(bytes(content), headers=headers, content_type="application/octet-stream")


def _rows(deployment_id: str | None) -> Rows:
    return deployed_components() if deployment_id is None else stored_components(find_deployment(deployment_id))


def _fits(row: Component, functions: Sequence[Function], query: ComponentsQuery) -> bool:
    return (
        query.type in (None, row.component_type)
        and query.name in (None, row.name)
        and query.digest in (None, row.digest)
        and (query.ffqn is None or any(function.ffqn == query.ffqn for function in functions))
        and (not query.submittable or any(function.submittable for function in functions))
    )


def _files(rows: Sequence[Component]) -> dict[int, list[ComponentFileDocument]]:
    ids = [row.pk for row in rows if row.pk]  # activities of installed apps are stored nowhere
    found: dict[int, list[ComponentFileDocument]] = {}
    named = ComponentFile.objects.filter(component__in=ids).select_related("blob").defer("blob__content").order_by("id")
    for each in named:
        file = StoredFile(path=each.path, digest=each.blob_id, size=each.blob.size)
        found.setdefault(each.component_id, []).append(
            convert({"file": file, "role": each.role}, ComponentFileDocument)
        )
    return found


def _document(
    row: Component, functions: Sequence[Function], files: list[ComponentFileDocument], query: ComponentsQuery
) -> ComponentDocument:
    return ComponentDocument(
        component_id=ComponentIdDocument(
            component_type=ComponentType(row.component_type), name=row.name, component_digest=row.digest
        ),
        files=files,
        imports=list(_imports(row)) if query.imports else UNSET,
        exports=list(_exports(functions, query)) if query.exports else UNSET,
    )


def _exports(functions: Sequence[Function], query: ComponentsQuery) -> Iterator[FunctionDetails]:
    for function in functions:
        for described in (describe_function(function), *(describe_companions(function) if query.extensions else ())):
            if described["submittable"] or not query.submittable:
                yield convert(described, FunctionDetails)


def _imports(row: Component) -> Iterator[FunctionDetails]:
    for interface, functions in decode_interfaces(row.imports).items():
        for name, function in functions.items():
            yield FunctionDetails(
                ffqn=f"{interface}.{name}",
                parameter_types=convert(encode_params(function), list[ParameterDocument]),
                return_type=None if function.result is None else format_type(function.result),
                submittable=False,
            )
