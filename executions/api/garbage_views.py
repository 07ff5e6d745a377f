"""The endpoint that deletes unused deployments and files.

Source:
    Obelisk has it in gRPC alone, reference section 9.3 (``GcOrphanFiles``); the path and ``older_than`` are ours.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.http import HttpResponse
from django.utils import timezone
from msgspec import Meta, Struct
from rest_framework.request import Request

from executions.access.scopes import Scope
from executions.api.answers import json_answer, text_answer, wants_text
from executions.api.bodies import read_optional_body, read_query
from executions.api.deployment_documents import CollectedDocument
from executions.api.execution_queries import NoQuery
from executions.api.problems import Problem, ProblemCode
from executions.api.schema import endpoint
from executions.api.views import ApiView
from executions.retention.rules import parse_age
from executions.unused_deployments import collect_unused, collected_line


class CollectBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to delete."""

    older_than: (
        Annotated[
            str,
            Meta(
                description="Delete also deployments that nothing needs and that were neither stored nor made active "
                "for so long, such as `30d`, `12h`; an hour at least. Else only files."
            ),
        ]
        | None
    ) = None
    dry_run: Annotated[bool, Meta(description="Only tell what would be deleted.")] = False


class DeploymentGarbageView(ApiView):
    """Deleting what no deployment needs, and deployments that nobody needs."""

    scopes = {"POST": Scope.DEPLOY}

    @endpoint(
        "collect_unused_deployments",
        tag="deployments",
        answers={200: CollectedDocument},
        body=CollectBody,
        text=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Delete the files that no deployment is made of, and if asked to, unused deployments.

        A deployment is kept while it is active, enqueued or the one that was active before, or executions need it.
        """
        read_query(request, NoQuery)
        body = read_optional_body(request, CollectBody)
        older_than = None if body.older_than is None else _age(body.older_than)
        collected = collect_unused(timezone.now(), older_than=older_than, dry_run=body.dry_run)
        if wants_text(request):
            return text_answer(f"{collected_line(collected, dry_run=body.dry_run)}\n")
        return json_answer(
            CollectedDocument(
                deployments=collected.deployments, files=collected.files.count, bytes=collected.files.size
            )
        )


def _age(text: str) -> timedelta:
    try:
        return parse_age(text)
    except ValueError as error:
        raise Problem(ProblemCode.INVALID_BODY, f"older_than: {error}") from error
