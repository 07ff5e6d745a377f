"""The dashboard's page."""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse

from console.access import needs
from console.dashboard.ranges import RANGES, range_of
from console.dashboard.snapshot import snapshot
from console.pages import page
from engine.errors import DeploymentError
from executions.access.scopes import Scope
from executions.deployed import deployed_registry


@needs(Scope.READ)
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show how everything does."""
    problem = None
    try:
        shown = range_of(request.GET.get("range", ""))
    except ValueError as error:
        shown, problem = RANGES[0], f"range: {error}"
    taken = snapshot(shown)
    return page(
        request,
        "dashboard/dashboard.html",
        title="Dashboard",
        shown=shown,
        ranges=RANGES,
        problem=problem,
        regions={name.replace("-", "_"): html for name, html in taken.regions.items()},
        functions=taken.functions.values(),
        cursor=orjson.dumps(dict(taken.numbers)).decode(),
        is_empty=taken.is_empty,
        is_deployed=taken.is_empty and _is_deployed(),
    )


def _is_deployed() -> bool:
    try:
        return bool(deployed_registry().deployment.id)
    except DeploymentError:
        # Something is, and the pages of deployments say what is wrong with it.
        return True
