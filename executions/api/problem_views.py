"""The codes of problems, explained."""

from __future__ import annotations

from django.http import HttpResponse
from msgspec import Struct
from rest_framework.request import Request

from executions.access.scopes import Scope
from executions.api.answers import json_answer
from executions.api.bodies import read_query
from executions.api.execution_queries import NoQuery
from executions.api.problems import KINDS
from executions.api.schema import endpoint
from executions.api.views import ApiView


class ProblemKindDocument(Struct, frozen=True, kw_only=True):
    """One kind of problem."""

    code: str
    status: int
    title: str
    remedy: str


class ProblemsView(ApiView):
    """All kinds of problems."""

    scopes = {"GET": Scope.READ}

    @endpoint("list_problems", tag="site", answers={200: list[ProblemKindDocument]})
    def get(self, request: Request) -> HttpResponse:
        """Return every code with its status, and what a client can do."""
        read_query(request, NoQuery)
        return json_answer(
            [
                ProblemKindDocument(code=code.value, status=kind.status, title=kind.title, remedy=kind.remedy)
                for code, kind in KINDS.items()
            ]
        )
