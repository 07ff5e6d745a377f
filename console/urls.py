"""The console's own pages, below ``/admin/``."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path, register_converter
from django.urls.converters import IntConverter

from console.audit import exporting as audit_export
from console.audit import listing as audit
from console.bulk import confirming, reports
from console.code import component, wit_pages
from console.code import listing as components
from console.dashboard.views import dashboard
from console.debugger import comparing as parting
from console.debugger import views as debugging
from console.deployments import activating, comparing, rehearsing
from console.deployments import detail as deployment
from console.deployments import listing as deployments
from console.deployments.finding import DeploymentIdConverter
from console.executions import columns, detail, listing, raw, views
from console.executors import pages as executors
from console.finding.pages import go
from console.operating import views as operating
from console.parts import tabs, values
from console.schedules import acting
from console.schedules import pages as schedules
from console.storage import storage
from console.submitting import picking, submitting
from console.tasks import answering, inbox
from console.timeline import views as timeline
from console.tokens import listing as tokens
from console.tokens import making as making_tokens
from console.webhooks import deliveries, delivery, refused, replaying
from console.webhooks import routes as webhooks
from executions.api.paths import EXECUTION_ID, NameConverter


class ExecutionIdConverter:
    """An execution's id, which may hold dots, colons and slashes."""

    regex = EXECUTION_ID

    def to_python(self, value: str) -> str:
        """Return the id."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id."""
        return value


class NumberConverter(IntConverter):
    """The number of a row; no longer than databases can look for."""

    regex = "[0-9]{1,18}"


register_converter(ExecutionIdConverter, "execution")
register_converter(NumberConverter, "number")
register_converter(DeploymentIdConverter, "deployment")
register_converter(NameConverter, "digest")

_EVENT = "executions/<execution:execution_id>/events/<int:version>"
_COMPONENT = "components/<digest:digest>"
_DEPLOYMENT = "deployments/<deployment:deployment_id>"


def console_urls(site: AdminSite) -> list[URLPattern]:
    """Return the pages, each for people who are logged in."""
    view = site.admin_view
    return [
        # In the place of Django's list of apps.
        path("", view(dashboard), name="index"),
        path("go/", view(go), name="console_go"),
        path("go/<path:text>/", view(go), name="console_go_to"),
        path("executions/", view(listing.executions), name="console_executions"),
        path("executions/columns/", view(columns.choose), name="console_columns"),
        path("executions/views/", view(views.save), name="console_view_save"),
        path("executions/views/<number:view_id>/forget/", view(views.forget), name="console_view_forget"),
        path("executions/bulk/<slug:operation>/", view(confirming.confirm), name="console_bulk"),
        path("executions/batches/", view(reports.batches), name="console_batches"),
        path("executions/batches/<number:batch_id>/", view(reports.batch), name="console_batch"),
        path("executions/batches/<number:batch_id>/stop/", view(reports.stop), name="console_batch_stop"),
        path("executions/<execution:execution_id>/", view(detail.overview), name="console_execution"),
        path("executions/<execution:execution_id>/timeline/", view(timeline.timeline), name="console_timeline"),
        path(
            "executions/<execution:execution_id>/timeline/window/",
            view(timeline.geometry),
            name="console_timeline_window",
        ),
        path("executions/<execution:execution_id>/events/", view(tabs.events), name="console_events"),
        path(f"{_EVENT}/", view(values.event), name="console_event"),
        path(f"{_EVENT}/value/", view(values.value), name="console_value"),
        path("executions/<execution:execution_id>/links/", view(values.links), name="console_links"),
        *(
            path(f"executions/<execution:execution_id>/{part}/rows/", view(tabs.rows), {"part": part}, f"{tab}_rows")
            for part, tab in tabs.TABS.items()
        ),
        path("executions/<execution:execution_id>/logs/", view(tabs.logs), name="console_logs"),
        path("executions/<execution:execution_id>/http/", view(tabs.http_requests), name="console_http"),
        path("executions/<execution:execution_id>/responses/", view(tabs.responses), name="console_responses"),
        path("executions/<execution:execution_id>/children/", view(detail.children), name="console_children"),
        path("executions/<execution:execution_id>/debug/", view(debugging.debugger), name="console_debug"),
        path("executions/<execution:execution_id>/debug/at/", view(debugging.panes), name="console_debug_at"),
        path("executions/<execution:execution_id>/debug/record/", view(debugging.record), name="console_debug_record"),
        path("executions/<execution:execution_id>/debug/compare/", view(parting.comparison), name="console_compare"),
        path("executions/<execution:execution_id>/do/<slug:key>/", view(operating.operate), name="console_operate"),
        path("executions/<execution:execution_id>/raw/", view(raw.raw), name="console_raw"),
        path("executions/<execution:execution_id>/raw/<slug:part>/", view(raw.raw_part), name="console_raw_part"),
        path("executions/<execution:execution_id>/raw/<slug:part>/file/", view(raw.raw_file), name="console_raw_file"),
        path("tasks/", view(inbox.inbox), name="console_tasks"),
        path("tasks/<execution:execution_id>/", view(answering.task), name="console_task"),
        path("submit/", view(picking.pick), name="console_submit"),
        path("submit/<path:ffqn>/", view(submitting.call), name="console_call"),
        path("schedules/", view(schedules.schedules), name="console_schedules"),
        path("schedules/<digest:cron>/", view(schedules.schedule), name="console_schedule"),
        path("schedules/<digest:cron>/do/<slug:key>/", view(acting.act), name="console_schedule_act"),
        path("executors/", view(executors.executors), name="console_executors"),
        path("executors/forget/", view(executors.forget_one), name="console_executor_forget"),
        path("webhooks/", view(webhooks.routes), name="console_webhooks"),
        path("webhooks/deliveries/", view(deliveries.deliveries), name="console_deliveries"),
        path("webhooks/refused/", view(refused.refused), name="console_refused"),
        path("webhooks/delivery/<int:delivery_id>/", view(delivery.delivery), name="console_delivery"),
        path("webhooks/delivery/<int:delivery_id>/replay/", view(replaying.replay_delivery), name="console_replay"),
        path("components/", view(components.components), name="console_components"),
        path(f"{_COMPONENT}/", view(component.overview), name="console_component"),
        path(f"{_COMPONENT}/wit/", view(component.wit), name="console_component_wit"),
        path(f"{_COMPONENT}/source/", view(component.source), name="console_component_source"),
        path(f"{_COMPONENT}/access/", view(component.access), name="console_component_access"),
        path("wit/", view(wit_pages.interfaces), name="console_wit"),
        path("wit/<path:name>/", view(wit_pages.interface), name="console_wit_interface"),
        path("deployments/", view(deployments.deployments), name="console_deployments"),
        path(f"{_DEPLOYMENT}/", view(deployment.deployment), name="console_deployment"),
        path(f"{_DEPLOYMENT}/activate/", view(activating.activation), name="console_activation"),
        path(f"{_DEPLOYMENT}/rehearsal/", view(rehearsing.rehearsal), name="console_rehearsal"),
        path(f"{_DEPLOYMENT}/rehearsal/start/", view(rehearsing.start), name="console_rehearsal_start"),
        path(f"{_DEPLOYMENT}/rehearsal/leave/", view(rehearsing.leave), name="console_rehearsal_leave"),
        path(f"{_DEPLOYMENT}/rehearsal/stop/", view(rehearsing.stop), name="console_rehearsal_stop"),
        path(
            "deployments/<deployment:before>..<deployment:after>/",
            view(comparing.comparison),
            name="console_comparison",
        ),
        path("audit/", view(audit.audit), name="console_audit"),
        path("audit/export/", view(audit_export.export), name="console_audit_export"),
        path("tokens/", view(tokens.tokens), name="console_tokens"),
        path("tokens/new/", view(making_tokens.new), name="console_token_new"),
        path("tokens/<slug:prefix>/revoke/", view(tokens.revoke), name="console_token_revoke"),
        path("storage/", view(storage.storage), name="console_storage"),
    ]
