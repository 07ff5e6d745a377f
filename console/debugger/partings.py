"""That an execution and the code that should go on with it part, as far as its log tells that."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from engine.errors import parting_version
from engine.log.events import ComponentUpgradeFinished, Finished
from engine.log.return_values import Failed, FailureKind
from engine.log.state import Status
from executions.models import Execution, OperationRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownParting:
    """Where to go from a workflow whose history and code part.

    Args:
        version: The recorded event that the code does not ask for; ``None`` if it failed in another way.
        url: Where both are compared.
    """

    version: int | None
    url: str

    @property
    def fork_from(self) -> int | None:
        """The last event that a fork can keep."""
        return None if not self.version else self.version - 1


def known_parting(row: Execution) -> KnownParting | None:
    """Return that a workflow ended because it did not follow its history, or waits for code that does."""
    if row.status == Status.FINISHED.value:
        if row.result_kind != FailureKind.NONDETERMINISM_DETECTED.value:
            return None
        event = row.events.get(version=row.next_version - 1).entry().event
        detail = event.retval.detail if isinstance(event, Finished) and isinstance(event.retval, Failed) else None
        return KnownParting(version=parting_version(detail or ""), url=compare_url(row.pk))
    if row.incompatible_digest is None:
        return None
    if OperationRecord.objects.exclusion_of(row.pk, row.incompatible_digest) is not None:
        # Somebody wanted it so; no code was tried.
        return None
    refused = row.events.filter(variant="component_upgrade_finished").order_by("-version").first()
    upgrade = None if refused is None else refused.entry().event
    if not isinstance(upgrade, ComponentUpgradeFinished) or upgrade.failure is None:
        return None
    return KnownParting(version=parting_version(upgrade.failure), url=compare_url(row.pk, upgrade.deployment_id))


def compare_url(execution_id: str, deployment_id: str | None = None) -> str:
    """Return where a workflow's history is compared with what code asks for.

    Args:
        execution_id: The workflow's execution.
        deployment_id: Whose code; that which it was run by by default.
    """
    query = "" if deployment_id is None else f"?{urlencode({'deployment': deployment_id})}"
    return f"{reverse('admin:console_compare', args=[execution_id])}{query}"
