"""Models of executions that the admin shows as they are; the console shows the executions themselves."""

from __future__ import annotations

from django.contrib import admin

from components.read_only_admin import ReadOnlyAdmin
from executions.models import ExecutorHeartbeat


@admin.register(ExecutorHeartbeat)
class ExecutorHeartbeatAdmin(ReadOnlyAdmin):
    """Executors that gave a sign of life lately."""

    list_display = ("executor_id", "host", "pid", "seen_at", "running", "slots", "deployment_id", "note")
