"""The console's own pages, below ``/admin/``."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path, register_converter

from console.executions import detail, listing, raw
from console.finding import go
from console.operating import views as operating
from console.timeline import views as timeline
from executions.api.paths import EXECUTION_ID


class ExecutionIdConverter:
    """An execution's id, which may hold dots, colons and slashes."""

    regex = EXECUTION_ID

    def to_python(self, value: str) -> str:
        """Return the id."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id."""
        return value


register_converter(ExecutionIdConverter, "execution")


def console_urls(site: AdminSite) -> list[URLPattern]:
    """Return the pages, each for people who are logged in."""
    view = site.admin_view
    return [
        path("go/", view(go), name="console_go"),
        path("executions/", view(listing.executions), name="console_executions"),
        path("executions/<execution:execution_id>/", view(detail.overview), name="console_execution"),
        path("executions/<execution:execution_id>/timeline/", view(timeline.timeline), name="console_timeline"),
        path(
            "executions/<execution:execution_id>/timeline/window/",
            view(timeline.geometry),
            name="console_timeline_window",
        ),
        path("executions/<execution:execution_id>/events/", view(detail.events), name="console_events"),
        path("executions/<execution:execution_id>/logs/", view(detail.logs), name="console_logs"),
        path("executions/<execution:execution_id>/http/", view(detail.http_requests), name="console_http"),
        path("executions/<execution:execution_id>/responses/", view(detail.responses), name="console_responses"),
        path("executions/<execution:execution_id>/children/", view(detail.children), name="console_children"),
        path("executions/<execution:execution_id>/do/<slug:key>/", view(operating.operate), name="console_operate"),
        path("executions/<execution:execution_id>/raw/", view(raw.raw), name="console_raw"),
    ]
