"""``/metrics`` of the web process."""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.http import HttpResponse
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from executions.access.permissions import HasScope
from executions.access.scopes import Scope
from executions.api.views import ApiView
from executions.metrics.networks import is_within
from executions.metrics.site_collector import SiteCollector

_METRICS: Final = CollectorRegistry(auto_describe=False)
_METRICS.register(SiteCollector())
ProcessCollector(registry=_METRICS)


class IsFromHere(BasePermission):
    """Lets the addresses of ``OBELISK_METRICS_FROM`` through. Behind a proxy everybody has the proxy's address."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the request comes from one of them."""
        return is_within(request.META.get("REMOTE_ADDR", ""), settings.OBELISK_METRICS_FROM)


class MetricsView(ApiView):
    """Metrics of the site in Prometheus' form."""

    schema = None
    http_method_names = ["get", "head"]
    scopes: ClassVar = {"GET": Scope.READ}
    permission_classes = (IsFromHere | HasScope,)
    throttle_classes = ()

    def get(self, request: Request) -> HttpResponse:
        """Return them, at most a second old."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(_METRICS), content_type=content_type, headers={"Cache-Control": "no-store"})
