"""What a load balancer, a container runtime or ``make run`` asks: can this site do its work?"""

from __future__ import annotations

import structlog
from django.db import Error as DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from executions.liveness import alive_executors

log = structlog.get_logger(__name__)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and an executor is alive, 503 and the reason otherwise.

    Anybody may ask, so the answer holds no details; the log does.
    """
    try:
        executors = alive_executors(timezone.now())
    except DatabaseError as exc:
        log.error("health.database_failed", error=str(exc), path=request.path)
        return JsonResponse({"status": "database does not answer"}, status=503)
    if executors == 0:
        return JsonResponse({"status": "no executor is alive"}, status=503)
    return JsonResponse({"status": "ok"})
