"""``/metrics`` of the web process."""

from __future__ import annotations

from ipaddress import ip_address
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
from executions.metrics.site_collector import SiteCollector

_METRICS: Final = CollectorRegistry(auto_describe=False)
_METRICS.register(SiteCollector())
ProcessCollector(registry=_METRICS)


class IsFromHere(BasePermission):
    """Lets the addresses of ``OBELISK_METRICS_FROM`` through.

    Behind a proxy that ``OBELISK_TRUSTED_PROXIES`` does not name everybody has the proxy's address.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the request comes from one of them."""
        try:
            address = ip_address(request.META.get("REMOTE_ADDR", ""))
        except ValueError:
            # The server listens at something else than an address.
            return False
        return any(address in network for network in settings.OBELISK_METRICS_FROM)


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
