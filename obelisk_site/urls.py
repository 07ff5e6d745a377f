"""Every URL of the site; the apps' own are included here."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from executions.api import urls as executions_api
from executions.api.schema_views import SchemaView
from executions.metrics.views import MetricsView
from obelisk_site.health import healthz, livez, readyz
from obelisk_site.logging import HEALTH_PATH, LIVENESS_PATH, READINESS_PATH

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path(HEALTH_PATH.removeprefix("/"), healthz, name="healthz"),
    path(LIVENESS_PATH.removeprefix("/"), livez, name="livez"),
    path(READINESS_PATH.removeprefix("/"), readyz, name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("v1/", include(executions_api)),
    path("v1/webhooks/", include("webhooks.api.urls")),
    path("openapi.json", SchemaView.as_view(), name="openapi"),
    path("v1/", include(executions_api.fallback)),
]

# Under /v1/ they answer as the API does.
handler400 = "executions.api.failures.bad_request"
handler500 = "executions.api.failures.server_error"
