"""One deployment: its components, its file, who chose it, and how its last rehearsal went."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from components.deployed_rows import stored_components
from components.deployment_reports import describe_stored_files
from components.models import Deployment, DeploymentSwitch
from console.access import needs
from console.code.highlighting import highlighted_lines
from console.code.kinds import kind_of
from console.code.shown import Shown
from console.deployments.finding import found
from console.pages import page
from console.seeing import shows
from engine.deployment.spec import ComponentType
from executions.access.scopes import Insight, Scope
from executions.models import RehearsalReport

_DECISIONS: Final = 50


@needs(Scope.READ)
def deployment(request: HttpRequest, deployment_id: str) -> HttpResponse:
    """Show it."""
    row = found(deployment_id)
    shown = Shown(deployment=row, rows=stored_components(row))
    active = Deployment.objects.active().defer("toml").first()
    return page(
        request,
        "deployments/deployment.html",
        title="Deployment",
        tab_title=row.pk,
        deployment=row,
        shown=shown,
        active=active,
        components=[(kind_of(ComponentType(each.component_type)), each, functions) for each, functions in shown.rows],
        files=describe_stored_files(row),
        decisions=DeploymentSwitch.objects.newest_of(row.pk, limit=_DECISIONS),
        report=RehearsalReport.objects.newest_of(row.pk),
        now=timezone.now(),
        lines=highlighted_lines(row.toml, "deployment.toml") if shows(Insight.SOURCE) else [],
    )
