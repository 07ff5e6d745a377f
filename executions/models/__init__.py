"""Executions and what is stored about them: state, event log, responses, delays, log lines, and who executes.

Only `executions.journal` writes the first four tables; everything else asks through the named querysets. An index is
kept only where a query here or in `executions.journal.sql` needs it, and says which: most rows are written by workflow
steps, where each index costs time. The execution of a pure activity is inserted when it has already finished, so the
partial indexes over unfinished executions cost such a step nothing.
"""

from __future__ import annotations

from executions.models.api_token import ApiToken
from executions.models.batch import Batch, BatchEntry, BatchStatus
from executions.models.delay import Delay
from executions.models.event import Event
from executions.models.execution import Execution, ExecutionQuerySet
from executions.models.executor import ExecutorHeartbeat
from executions.models.idempotency_key import IdempotencyKey
from executions.models.label import Label
from executions.models.list_choices import ListColumns, SavedView
from executions.models.mail import Mail
from executions.models.operation_record import OperationRecord
from executions.models.rehearsal_report import RehearsalReport, RehearsalStatus
from executions.models.response import JoinSetResponse
from executions.models.retention_run import RetentionRun
from executions.models.roll_up import DatabaseSize, RollUp, RollUpCursor
from executions.models.run_records import CallSites, HttpExchange, LogLine
from executions.models.task_assignment import TaskAssignment
from executions.models.trace_cursor import TraceCursor

__all__ = [
    "ApiToken",
    "Batch",
    "BatchEntry",
    "BatchStatus",
    "CallSites",
    "DatabaseSize",
    "Delay",
    "Event",
    "Execution",
    "ExecutionQuerySet",
    "ExecutorHeartbeat",
    "HttpExchange",
    "IdempotencyKey",
    "JoinSetResponse",
    "Label",
    "ListColumns",
    "LogLine",
    "Mail",
    "OperationRecord",
    "RehearsalReport",
    "RehearsalStatus",
    "RetentionRun",
    "RollUp",
    "RollUpCursor",
    "SavedView",
    "TaskAssignment",
    "TraceCursor",
]
