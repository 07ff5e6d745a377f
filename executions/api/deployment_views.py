"""Endpoints of deployments.

Source:
    Obelisk reference, section 9.2; comparing, verifying and rehearsing are ours.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Annotated, Any

from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone
from msgspec import Meta, Struct, convert
from rest_framework.request import Request

from components.comparing import DeploymentDiff, compare
from components.decisions import Decision
from components.deployment_reports import describe_deployment, describe_stored_files
from components.diff_report import describe_diff, diff_lines
from components.models import Component, Deployment
from components.submission import submit_deployment
from components.switching import DeploymentNotFound, enqueue, find_deployment, switch_now
from components.verification import verify_deployment
from executions.access.principals import principal_of
from executions.access.scopes import Insight, Scope
from executions.api.answers import json_answer, message, text_answer, wants_text
from executions.api.bodies import read_optional_body, read_query
from executions.api.deployment_bodies import DeploymentBody, read_deployment
from executions.api.deployment_documents import (
    DeploymentDocument,
    ListedDeployment,
    SubmittedDocument,
    VerificationDocument,
)
from executions.api.execution_queries import MOST_ROWS, Including, Length, NoQuery
from executions.api.problems import Problem, ProblemCode
from executions.api.schema import MessageDocument, endpoint
from executions.api.views import ApiView
from executions.deployment_counts import count_executions
from executions.operations.recording import MOST_REASON_CHARACTERS
from executions.rehearsal.rehearsing import Rehearsal, rehearse
from executions.rehearsal.reports import describe_rehearsal, rehearsal_lines
from executions.taking_up import wait_until_taken_up

_REHEARSE_FOR = timedelta(seconds=60)
_MOST_REHEARSED = 1000


class DeploymentsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of deployments, and what of them."""

    cursor_from: Annotated[str, Meta(description="A deployment's id; older ones follow.")] | None = None
    length: Length = 20
    including_cursor: Including = False
    include_derived: Annotated[bool, Meta(description="Count also what workflows submitted.")] = False
    include_component_summary: bool = False


class DeploymentQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a deployment."""

    include_generated_metadata: Annotated[bool, Meta(description="Nothing is added to a deployment file here.")] = False


class SwitchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When to run it."""

    apply: Annotated[bool, Meta(description="Now; else from the next start of the server on.")] = False
    hot_redeploy: Annotated[bool, Meta(description="The same by its older name.")] = False
    allow_unavailable_runtime_config: Annotated[
        bool, Meta(description="Although variables or secrets are missing here; not together with `apply`.")
    ] = False
    reason: Annotated[
        str, Meta(max_length=MOST_REASON_CHARACTERS, description="Why; it is kept with the record of the switch.")
    ] = ""


class RehearsalBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much to look at."""

    most: Annotated[int, Meta(ge=0, le=_MOST_REHEARSED, description="Workflows, oldest first.")] = _MOST_REHEARSED


class DeploymentsView(ApiView):
    """All deployments."""

    scopes = {"GET": Scope.READ, "POST": Scope.DEPLOY}

    @endpoint(
        "list_deployments",
        tag="deployments",
        answers={200: list[ListedDeployment]},
        query=DeploymentsQuery,
        text=True,
        problems=[ProblemCode.INVALID_CURSOR],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return deployments, newest first, with the numbers of their executions."""
        query = read_query(request, DeploymentsQuery)
        page = _page(query)
        if wants_text(request):
            return text_answer("".join(f"{each.deployment_id} {each.status}\n" for each in page))
        ids = [each.deployment_id for each in page]
        counts = count_executions(ids, timezone.now(), include_derived=query.include_derived)
        summaries = _summaries(ids) if query.include_component_summary else {}
        documents = []
        for each in page:
            document = {**describe_deployment(each), **counts[each.deployment_id]}
            if query.include_component_summary:
                document["component_summary"] = {"components": summaries.get(each.deployment_id, [])}
            documents.append(convert(document, ListedDeployment))
        return json_answer(documents)

    @endpoint(
        "submit_deployment",
        tag="deployments",
        answers={200: SubmittedDocument},
        body=DeploymentBody,
        text=True,
        problems=[
            ProblemCode.DEPLOYMENT_REFUSED,
            ProblemCode.FILES_REFUSED,
            ProblemCode.DEPLOYMENT_EXISTS,
            ProblemCode.BUSY,
            ProblemCode.RUNTIME_UNAVAILABLE,
            ProblemCode.DEPLOYMENT_UNUSABLE,
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        """Verify and store a deployment with its files; it is not run before it is switched to.

        As JSON it names files that are stored already, by `content_digest`. As `multipart/form-data` the files come
        along: the file name is the path relative to the deployment file, the part's name the digest, or `file`.
        """
        read_query(request, NoQuery)
        submitted = read_deployment(request)
        body = submitted.body
        submission = submit_deployment(
            body.deployment_toml,
            submitted.files,
            deployment_id=body.deployment_id,
            description=body.description,
            allow_unavailable=body.allow_unavailable_runtime_config,
        )
        deployment_id = submission.deployment.deployment_id
        if wants_text(request):
            return text_answer(deployment_id)
        return json_answer(SubmittedDocument(deployment_id=deployment_id, warnings=submission.warnings))


class DeploymentView(ApiView):
    """One deployment."""

    scopes = {"GET": Scope.READ}
    insights = {"GET": Insight.SOURCE}

    @endpoint(
        "get_deployment",
        tag="deployments",
        answers={200: DeploymentDocument},
        query=DeploymentQuery,
        text=True,
        problems=[ProblemCode.DEPLOYMENT_NOT_FOUND],
    )
    def get(self, request: Request, deployment_id: str) -> HttpResponse:
        """Return the deployment with its file, and the files that it names."""
        read_query(request, DeploymentQuery)
        deployment = find_deployment(deployment_id)
        if wants_text(request):
            return text_answer(deployment.toml)
        files = describe_stored_files(deployment)
        document = {**describe_deployment(deployment), "deployment_toml": deployment.toml, "files": files}
        return json_answer(convert(document, DeploymentDocument))


class DeploymentSwitchView(ApiView):
    """Choosing the deployment that runs."""

    scopes = {"PUT": Scope.DEPLOY}

    @endpoint(
        "switch_deployment",
        tag="deployments",
        answers={200: MessageDocument},
        body=SwitchBody,
        text=True,
        problems=[
            ProblemCode.DEPLOYMENT_NOT_FOUND,
            ProblemCode.DEPLOYMENT_REFUSED,
            ProblemCode.BUSY,
            ProblemCode.DEPLOYMENT_UNUSABLE,
        ],
    )
    def put(self, request: Request, deployment_id: str) -> HttpResponse:
        """Run the deployment now, or from the next start of the server on.

        Now means that executors have taken it up when the answer comes, unless one does not for some seconds.
        """
        read_query(request, NoQuery)
        body = read_optional_body(request, SwitchBody)
        principal = principal_of(request.user)
        assert principal is not None  # `HasScope` lets nobody else through
        decision = Decision(actor=principal.actor, reason=body.reason)
        if body.apply or body.hot_redeploy:
            if body.allow_unavailable_runtime_config:
                raise Problem(
                    ProblemCode.INVALID_BODY,
                    "apply and allow_unavailable_runtime_config exclude each other: what runs now needs all of it now",
                )
            switch_now(deployment_id, decision=decision)
            wait_until_taken_up(deployment_id)
            return message(request, "switched")
        enqueue(deployment_id, allow_unavailable=body.allow_unavailable_runtime_config, decision=decision)
        return message(request, "restart_required")


class DeploymentVerifyView(ApiView):
    """Whether a deployment could be run here and now."""

    scopes = {"POST": Scope.DEPLOY}

    @endpoint(
        "verify_deployment",
        tag="deployments",
        answers={200: VerificationDocument},
        text=True,
        problems=[ProblemCode.DEPLOYMENT_NOT_FOUND, ProblemCode.DEPLOYMENT_REFUSED, ProblemCode.DEPLOYMENT_UNUSABLE],
    )
    def post(self, request: Request, deployment_id: str) -> HttpResponse:
        """Return what stands against it: `problems` of its own, and what is `unavailable` on this machine."""
        read_query(request, NoQuery)
        found = verify_deployment(find_deployment(deployment_id))
        if wants_text(request):
            return text_answer("".join(f"{each}\n" for each in (*found.problems, *found.unavailable)))
        return json_answer(VerificationDocument(problems=found.problems, unavailable=found.unavailable))


class DeploymentRehearsalView(ApiView):
    """What a deployment would mean for what is under way."""

    scopes = {"POST": Scope.DEPLOY}
    insights = {"POST": Insight.PAYLOAD}

    @endpoint(
        "rehearse_deployment",
        tag="deployments",
        answers={200: Rehearsal},
        body=RehearsalBody,
        text=True,
        problems=[
            ProblemCode.DEPLOYMENT_NOT_FOUND,
            ProblemCode.DEPLOYMENT_REFUSED,
            ProblemCode.BUSY,
            ProblemCode.DEPLOYMENT_UNUSABLE,
        ],
    )
    def post(self, request: Request, deployment_id: str) -> HttpResponse:
        """Replay every unfinished workflow on the deployment's components, without effects; for a minute at most."""
        read_query(request, NoQuery)
        body = read_optional_body(request, RehearsalBody)
        rehearsal = rehearse(find_deployment(deployment_id), most=body.most, time_limit=_REHEARSE_FOR)
        if wants_text(request):
            return text_answer("".join(f"{line}\n" for line in rehearsal_lines(rehearsal)))
        return json_answer(describe_rehearsal(rehearsal))


class DeploymentDiffView(ApiView):
    """What differs between two deployments."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "compare_deployments",
        tag="deployments",
        answers={200: DeploymentDiff},
        text=True,
        problems=[ProblemCode.DEPLOYMENT_NOT_FOUND, ProblemCode.DEPLOYMENT_UNUSABLE],
    )
    def get(self, request: Request, before: str, after: str) -> HttpResponse:
        """Return what differs: components, configuration, functions, and what the second newly asks for."""
        read_query(request, NoQuery)
        diff = compare(find_deployment(before), find_deployment(after))
        if wants_text(request):
            return text_answer("".join(f"{line}\n" for line in diff_lines(diff)))
        return json_answer(describe_diff(diff))


class DeploymentIdView(ApiView):
    """The deployment that runs."""

    scopes = {"GET": Scope.READ}

    @endpoint(
        "get_deployment_id",
        tag="deployments",
        answers={200: str},
        text=True,
        problems=[ProblemCode.DEPLOYMENT_NOT_FOUND],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the id of the active deployment, as text unless JSON is asked for."""
        read_query(request, NoQuery)
        active = Deployment.objects.active().first()
        if active is None:
            raise DeploymentNotFound("nothing is deployed")
        if wants_text(request, by_default=True):
            return text_answer(active.deployment_id)
        return json_answer(active.deployment_id)


def _page(query: DeploymentsQuery) -> list[Deployment]:
    deployments = Deployment.objects.newest_first().defer("toml")
    if query.cursor_from is not None:
        cursor = Deployment.objects.filter(pk=query.cursor_from).first()
        if cursor is None:
            raise Problem(ProblemCode.INVALID_CURSOR, f"cursor_from: no deployment {query.cursor_from[:100]}")
        older = Q(created_at__lt=cursor.created_at) | Q(created_at=cursor.created_at, pk__lt=cursor.pk)
        deployments = deployments.filter(older | Q(pk=cursor.pk) if query.including_cursor else older)
    return list(deployments[: min(query.length, MOST_ROWS)])


def _summaries(deployment_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    counts: dict[str, Counter[str]] = {}
    rows = Component.objects.filter(deployment__in=deployment_ids).order_by("deployment", "position")
    for deployment_id, component_type in rows.values_list("deployment", "component_type"):
        counts.setdefault(deployment_id, Counter())[component_type] += 1
    return {
        deployment_id: [{"component_type": kind, "count": count} for kind, count in counter.items()]
        for deployment_id, counter in counts.items()
    }
