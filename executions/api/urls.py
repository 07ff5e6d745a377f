"""The endpoints under ``/v1/`` that are about executions and functions."""

from __future__ import annotations

from django.urls import path, re_path, register_converter

from executions.api import asking_views as asking
from executions.api import debug_views as debugging
from executions.api import execution_views as executions
from executions.api import operation_views as operations
from executions.api.bulk_views import BulkView
from executions.api.deployment_urls import deployment_urls
from executions.api.following import awaiting
from executions.api.function_views import FunctionListView, FunctionWitView
from executions.api.http_exchange_views import HttpExchangesView
from executions.api.operation_record_views import OperationsView
from executions.api.paths import DelayIdConverter, ExecutionIdConverter
from executions.api.problem_views import ProblemsView
from executions.api.schema_views import DocsView, SchemaView
from executions.api.submit_views import ExecutionsView, ResultView
from executions.api.views import NoSuchEndpoint

register_converter(ExecutionIdConverter, "execution_id")
register_converter(DelayIdConverter, "delay_id")

_ONE = "executions/<execution_id:execution_id>"
_DELAY = "delays/<delay_id:delay_id>"

urlpatterns = [
    path("execution-id", executions.ExecutionIdView.as_view(), name="api-execution-id"),
    path("executions", awaiting(ExecutionsView.as_view()), name="api-executions"),
    path("executions/bulk", BulkView.as_view(), name="api-bulk"),
    path(f"{_ONE}", awaiting(ResultView.as_view()), name="api-execution"),
    path(f"{_ONE}/status", executions.StatusView.as_view(), name="api-status"),
    path(f"{_ONE}/events", executions.EventsView.as_view(), name="api-events"),
    path(f"{_ONE}/responses", executions.ResponsesView.as_view(), name="api-responses"),
    path(f"{_ONE}/logs", executions.LogsView.as_view(), name="api-logs"),
    path(f"{_ONE}/http", HttpExchangesView.as_view(), name="api-http-exchanges"),
    path(f"{_ONE}/operations", OperationsView.as_view(), name="api-operations"),
    path(f"{_ONE}/stream", operations.StreamView.as_view(), name="api-stream"),
    path(f"{_ONE}/cancel", operations.CancelView.as_view(), name="api-cancel"),
    path(f"{_ONE}/pause", operations.PauseView.as_view(), name="api-pause"),
    path(f"{_ONE}/unpause", operations.UnpauseView.as_view(), name="api-unpause"),
    path(f"{_ONE}/stub", operations.StubView.as_view(), name="api-stub"),
    path(f"{_ONE}/signals", asking.SignalView.as_view(), name="api-signals"),
    path(f"{_ONE}/query", asking.QueryView.as_view(), name="api-query"),
    path(f"{_ONE}/locals", asking.LocalsView.as_view(), name="api-locals"),
    path(f"{_ONE}/replay", debugging.ReplayView.as_view(), name="api-replay"),
    path(f"{_ONE}/advance", debugging.AdvanceView.as_view(), name="api-advance"),
    path(f"{_ONE}/upgrade", debugging.UpgradeView.as_view(), name="api-upgrade"),
    path(f"{_ONE}/exclude", debugging.ExcludeView.as_view(), name="api-exclude"),
    path(f"{_ONE}/include", debugging.IncludeView.as_view(), name="api-include"),
    path(f"{_ONE}/fork", debugging.ForkView.as_view(), name="api-fork"),
    path(f"{_ONE}/backtrace", debugging.BacktraceView.as_view(), name="api-backtrace"),
    path(f"{_ONE}/backtrace/source", debugging.BacktraceSourceView.as_view(), name="api-backtrace-source"),
    path(f"{_ONE}/backtrace/persist", debugging.PersistBacktracesView.as_view(), name="api-backtrace-persist"),
    path(f"{_ONE}/retry", operations.RetryView.as_view(), name="api-retry"),
    path(f"{_DELAY}/cancel", operations.DelayCancelView.as_view(), name="api-delay-cancel"),
    path(f"{_DELAY}/pause", operations.DelayPauseView.as_view(), name="api-delay-pause"),
    path(f"{_DELAY}/unpause", operations.DelayUnpauseView.as_view(), name="api-delay-unpause"),
    path("functions", FunctionListView.as_view(), name="api-functions"),
    path("functions/wit", FunctionWitView.as_view(), name="api-functions-wit"),
    *deployment_urls,
    path("schema", SchemaView.as_view(), name="api-schema"),
    path("docs", DocsView.as_view(), name="api-docs"),
    path("problems", ProblemsView.as_view(), name="api-problems"),
]

#: Comes behind everything else under ``/v1/``.
fallback = [re_path(r"", NoSuchEndpoint.as_view())]
