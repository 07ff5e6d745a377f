"""All deployments, newest first, and who chose which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Max, Q
from django.http import HttpRequest, HttpResponse

from components.models import Deployment, DeploymentSwitch
from components.switching import DeploymentNotFound, previous_deployment
from console.access import needs
from console.pages import page
from executions.access.scopes import Scope

PAGE: Final = 25
_DECISIONS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDeployment:
    """A row of the list.

    Args:
        deployment: Which one.
        decision: The last decision about it; ``None`` if it was never chosen.
    """

    deployment: Deployment
    decision: DeploymentSwitch | None


@needs(Scope.READ)
def deployments(request: HttpRequest) -> HttpResponse:
    """Show a page of the list."""
    rows = Deployment.objects.newest_first().defer("toml")
    cursor = Deployment.objects.filter(pk=request.GET.get("older_than", "").replace("\0", "")).first()
    if cursor is not None:
        rows = rows.filter(Q(created_at__lt=cursor.created_at) | Q(created_at=cursor.created_at, pk__lt=cursor.pk))
    found = list(rows[: PAGE + 1])
    shown = found[:PAGE]
    decisions = _last_decisions([each.pk for each in shown])
    return page(
        request,
        "deployments/list.html",
        title="Deployments",
        rows=[ListedDeployment(deployment=each, decision=decisions.get(each.pk)) for each in shown],
        active=Deployment.objects.active().defer("toml").first(),
        enqueued=Deployment.objects.enqueued().defer("toml").first(),
        previous=_previous(),
        older=shown[-1].pk if len(found) > PAGE else None,
        is_newest=cursor is None,
        decisions=DeploymentSwitch.objects.order_by("-pk")[:_DECISIONS] if cursor is None else (),
    )


def _last_decisions(deployment_ids: list[str]) -> dict[str, DeploymentSwitch]:
    of_these = DeploymentSwitch.objects.filter(deployment_id__in=deployment_ids)
    last = of_these.values("deployment_id").annotate(last=Max("pk")).values_list("last", flat=True)
    return {each.deployment_id: each for each in DeploymentSwitch.objects.filter(pk__in=list(last))}


def _previous() -> Deployment | None:
    try:
        return previous_deployment()
    except DeploymentNotFound:
        return None
