"""What a load balancer, a container runtime or ``make run`` asks: can this site do its work?"""

from __future__ import annotations

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from engine.errors import DeploymentError
from executions.deployed import deployed_registry
from executions.liveness import able_executors, alive_executors

log = structlog.get_logger(__name__)

_is_migrated = False


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and an executor is alive and can work, 503 and the reason otherwise.

    Anybody may ask, so the answer holds no details; the log does.
    """
    try:
        now = timezone.now()
        alive, able = alive_executors(now), able_executors(now)
    except DatabaseError as exc:
        log.error("health.database_failed", error=str(exc), path=request.path)
        return JsonResponse({"status": "database does not answer"}, status=503)
    if alive == 0:
        return JsonResponse({"status": "no executor is alive"}, status=503)
    if able == 0:
        return JsonResponse({"status": "no executor can work"}, status=503)
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """Answer 200: this process takes requests. One that does not answer is to be restarted."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when requests may be sent here: the database answers, as this version needs it; 503 otherwise.

    Nothing needs to be deployed, for deployments come by requests; what is deployed must be usable here. Executors are
    not asked for: what is submitted without any waits for them.
    """
    try:
        if not _has_all_migrations():
            return JsonResponse({"status": "the database is not as this version needs it"}, status=503)
        deployed_registry()
    except DatabaseError as exc:
        log.error("health.database_failed", error=str(exc), path=request.path)
        return JsonResponse({"status": "database does not answer"}, status=503)
    except DeploymentError as exc:
        log.error("health.deployment_unusable", error=str(exc), path=request.path)
        return JsonResponse({"status": "what is deployed cannot be used"}, status=503)
    return JsonResponse({"status": "ok"})


def _has_all_migrations() -> bool:
    """Tell whether all migrations are applied; once they were, they stay."""
    global _is_migrated  # noqa: PLW0603 - migrations are never taken back under a running process
    if not _is_migrated:
        executor = MigrationExecutor(connection)
        _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _is_migrated
