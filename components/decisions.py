"""Who decided which deployment is run, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from components.models import DeploymentSwitch, SwitchKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Somebody's choice of a deployment.

    Args:
        actor: Who (`DeploymentSwitch.actor`).
        reason: Why, in their words.
        approved: What the deployment newly asks for and they approve, one sentence each.
    """

    actor: str
    reason: str = ""
    approved: tuple[str, ...] = ()


BY_PROGRAM: Final = Decision(actor="")
"""This program chose by itself, such as when it starts for the first time."""


def record_decision(
    deployment_id: str, kind: SwitchKind, decision: Decision, *, replaced: str, at: datetime
) -> DeploymentSwitch:
    """Write a decision down; within the transaction of the change."""
    return DeploymentSwitch.objects.create(
        deployment_id=deployment_id,
        kind=kind,
        replaced=replaced,
        actor=decision.actor,
        reason=decision.reason,
        approved=list(decision.approved),
        at=at,
    )


def decision_to_enqueue(deployment_id: str) -> Decision:
    """Return the decision by which a deployment was enqueued last."""
    enqueued = DeploymentSwitch.objects.filter(deployment_id=deployment_id, kind=SwitchKind.ENQUEUED)
    last = enqueued.order_by("-pk").first()
    if last is None:
        return BY_PROGRAM
    return Decision(actor=last.actor, reason=last.reason, approved=tuple(last.approved))
