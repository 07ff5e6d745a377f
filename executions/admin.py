"""Executions in the admin. Read only: the log is only ever appended to, by the journal."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from components.read_only_admin import ReadOnlyAdmin
from executions.explanations import why_not_moving
from executions.models import ApiToken, Execution, ExecutorHeartbeat, HttpExchange, OperationRecord

_SHOWN_EVENTS = 200
_SHOWN_REQUESTS = 200
_SHOWN_OPERATIONS = 200


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    """Executions, newest first; children are found under their parent."""

    list_display = ("execution_id", "ffqn", "status", "lifecycle", "result_kind", "created_at", "next_version")
    list_filter = ("status", "lifecycle", "result_kind", "component_type")
    search_fields = ("execution_id__startswith", "ffqn")
    ordering = ("-created_at", "-execution_id")
    list_per_page = 50
    show_full_result_count = False
    exclude = ("parent",)
    readonly_fields = ("explanation", "parent_link", "first_children", "event_log", "operations", "http_requests")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        """Return top-level executions for lists, and any for its own page."""
        rows: QuerySet[Execution] = super().get_queryset(request)
        page = request.resolver_match.url_name if request.resolver_match else None
        is_list = page == "executions_execution_changelist"
        return rows.filter(parent__isnull=True) if is_list and not request.GET.get("q") else rows

    @admin.display(description="why is it not moving?")
    def explanation(self, execution: Execution) -> str:
        """Return the plain answer."""
        return why_not_moving(execution) or "It has finished."

    @admin.display(description="parent")
    def parent_link(self, execution: Execution) -> SafeString | str:
        """Return a link to the parent."""
        return _link(execution.parent_id) if execution.parent_id else "-"

    @admin.display(description="children")
    def first_children(self, execution: Execution) -> SafeString | str:
        """Return links to the first children."""
        children = execution.children.order_by("created_at", "execution_id").values_list("pk", "status")[:50]
        lines = format_html_join("", "<li>{} {}</li>", ((_link(pk), status) for pk, status in children))
        return format_html("<ul>{}</ul>", lines) if lines else "-"

    @admin.display(description="event log")
    def event_log(self, execution: Execution) -> SafeString:
        """Return the first events as a table."""
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            (
                (
                    event.version,
                    event.created_at.time(),
                    event.history_event_type or event.variant,
                    event.public_payload[:400],
                )
                for event in execution.events.order_by("version")[:_SHOWN_EVENTS]
            ),
        )
        return format_html("<table>{}</table>", rows)

    @admin.display(description="operations")
    def operations(self, execution: Execution) -> SafeString | str:
        """Return the last operations on it as a table: who did what, when and why."""
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (f"{record.at:%Y-%m-%d %H:%M:%S}", record.operation, record.detail, record.actor, record.reason)
                for record in OperationRecord.objects.newest_of(execution.pk, limit=_SHOWN_OPERATIONS)
            ),
        )
        return format_html("<table>{}</table>", rows) if rows else "-"

    @admin.display(description="HTTP requests")
    def http_requests(self, execution: Execution) -> SafeString | str:
        """Return the last requests of its guest as a table."""
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{} ms</td><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
            (
                (
                    exchange.started_at.time(),
                    round(exchange.duration_us / 1000, 1),
                    exchange.status or "-",
                    exchange.method,
                    exchange.url,
                    exchange.error or f"{exchange.request_bytes} bytes out, {exchange.response_bytes} in",
                )
                for exchange in HttpExchange.objects.newest_of(execution.pk, limit=_SHOWN_REQUESTS)
            ),
        )
        return format_html("<table>{}</table>", rows) if rows else "-"


@admin.register(ExecutorHeartbeat)
class ExecutorHeartbeatAdmin(ReadOnlyAdmin):
    """Executors that gave a sign of life lately."""

    list_display = ("executor_id", "host", "pid", "seen_at", "running", "slots", "deployment_id", "note")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens of the API; `manage.py token` makes and revokes them."""

    list_display = ("name", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    exclude = ("digest",)


def _link(execution_id: str) -> SafeString:
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:executions_execution_change", args=[execution_id]), execution_id
    )
