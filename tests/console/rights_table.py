"""Who may see and do what in the console: the table from which the tests of rights are made.

A new page, operation or topic wants a line here; a test says so until it has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from executions.access.scopes import Insight, Right, Scope
from tests.builders import make_execution_id

E1: Final = make_execution_id(1)


class Besides(Enum):
    """What hangs on more than one right."""

    TOKENS = "have tokens"
    """Who operates or deploys, and sees values and source."""
    ADMINISTER = "administer"
    """Superusers, and nobody else."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What is needed for a page.

    Args:
        see: All of these, to see it.
        do: All of these, to send what its forms send; the same by default.
        sent: What is sent.
    """

    see: tuple[Right | Besides, ...]
    do: tuple[Right | Besides, ...] | None = None
    sent: Mapping[str, str] | None = None


READ: Final = Needs((Scope.READ,))
DEPLOY: Final = Needs((Scope.DEPLOY,))
TOKENS: Final = Needs((Besides.TOKENS,))
ADMINISTER: Final = Needs((Besides.ADMINISTER,))

PAGES: Final[Mapping[str, Needs]] = {
    "index": READ,
    "console_go": READ,
    "console_go_to": READ,
    "console_executions": READ,
    "console_columns": READ,
    "console_view_save": READ,
    "console_view_forget": READ,
    "console_bulk": Needs((Scope.OPERATE,)),
    "console_batches": READ,
    "console_batch": READ,
    "console_batch_stop": Needs((Scope.OPERATE,)),
    "console_execution": READ,
    "console_timeline": READ,
    "console_timeline_window": READ,
    "console_events": READ,
    "console_logs": READ,
    "console_http": READ,
    "console_responses": READ,
    "console_children": READ,
    "console_debug": READ,
    "console_debug_at": READ,
    "console_debug_record": Needs((Scope.OPERATE,)),
    "console_compare": READ,
    "console_operate": Needs((Scope.OPERATE,), sent={"seen": "another state"}),
    "console_event": READ,
    "console_value": Needs((Scope.READ, Insight.PAYLOAD)),
    "console_links": READ,
    "console_events_rows": READ,
    "console_logs_rows": READ,
    "console_http_rows": READ,
    "console_responses_rows": READ,
    "console_raw": Needs((Scope.READ, Insight.PAYLOAD)),
    "console_raw_part": Needs((Scope.READ, Insight.PAYLOAD)),
    "console_raw_file": Needs((Scope.READ, Insight.PAYLOAD)),
    "console_tasks": READ,
    "console_task": READ,
    "console_submit": Needs((Scope.SUBMIT,)),
    "console_call": Needs((Scope.SUBMIT,)),
    "console_components": READ,
    "console_component": READ,
    "console_component_wit": READ,
    "console_component_source": Needs((Scope.READ, Insight.SOURCE)),
    "console_component_access": READ,
    "console_wit": READ,
    "console_wit_interface": READ,
    "console_deployments": READ,
    "console_deployment": READ,
    "console_activation": DEPLOY,
    "console_rehearsal": READ,
    "console_rehearsal_start": DEPLOY,
    "console_rehearsal_leave": Needs((Scope.OPERATE,)),
    "console_rehearsal_stop": DEPLOY,
    "console_comparison": READ,
    "console_audit": READ,
    "console_audit_export": ADMINISTER,
    "console_tokens": TOKENS,
    "console_token_new": TOKENS,
    "console_token_revoke": TOKENS,
    "console_storage": ADMINISTER,
    "console_schedules": READ,
    "console_schedule": READ,
    "console_schedule_act": Needs((Scope.OPERATE,), sent={"seen": "another state"}),
    "console_executors": READ,
    "console_executor_forget": ADMINISTER,
    "console_webhooks": READ,
    "console_deliveries": READ,
    "console_refused": READ,
    "console_delivery": READ,
    "console_replay": Needs((Scope.OPERATE,), sent={"seen": "another deployment"}),
}
"""By the name of the address."""

OPERATIONS: Final[Mapping[str, Scope]] = {
    "pause": Scope.OPERATE,
    "unpause": Scope.OPERATE,
    "cancel": Scope.OPERATE,
    "retry": Scope.SUBMIT,
    "signal": Scope.OPERATE,
    "query": Scope.READ,
    "replay": Scope.OPERATE,
    "advance": Scope.OPERATE,
    "upgrade": Scope.OPERATE,
    "exclude": Scope.OPERATE,
    "include": Scope.OPERATE,
    "fork": Scope.SUBMIT,
}
"""By their key; what is here and not in `console.operating.actions` was forgotten there, and the other way round."""

TOPICS: Final[Mapping[str, Mapping[str, Any]]] = {
    "execution": {"subject": E1, "view": "console_execution"},
    "executions": {"keys": [E1]},
    "tasks": {"keys": [E1]},
    "task": {"subject": E1},
    "rehearsal": {"subject": "1"},
    "batch": {"subject": "1"},
    "schedules": {"keys": ["nightly"]},
    "schedule": {"subject": "nightly"},
    "executors": {"keys": ["Exr_00000000000000000000000001"]},
    "webhooks": {"keys": ["stars"]},
    "deliveries": {"keys": ["1"]},
    "delivery": {"subject": "1"},
    "dashboard": {"view": "1h"},
}
"""What a page that is far behind subscribes to, by topic. Whoever may read may watch."""

SAMPLES: Final[Mapping[str, str]] = {
    "execution_id": E1,
    "deployment_id": "Dep_00000000000000000000000001",
    "before": "Dep_00000000000000000000000001",
    "after": "Dep_00000000000000000000000002",
    "digest": "sha256:" + "a" * 64,
    "key": "pause",
    "operation": "cancel",
    "batch_id": "1",
    "view_id": "1",
    "text": "anything",
    "ffqn": "test:pkg/api.call",
    "name": "test:pkg/api",
    "prefix": "0123456789",
    "cron": "nightly",
    "delivery_id": "1",
    "version": "0",
    "part": "events",
}
"""What stands in addresses, by the names of their parts; nothing but the execution need be there."""
