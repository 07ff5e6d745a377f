"""Making a stored deployment the one that is run: now, or when the server starts next.

Executors, the API and the webhooks take another active deployment up by themselves; what runs goes on.

Source:
    Obelisk reference, section 5.11. Executors here need not be stopped for it.
"""

from __future__ import annotations

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from components.busy import OneAtATime
from components.decisions import BY_PROGRAM, Decision, decision_to_enqueue, record_decision
from components.models import Deployment, DeploymentStatus, SwitchKind
from components.problems import DeploymentRefused
from components.verification import verify_deployment
from engine.errors import DeploymentError

log = structlog.get_logger(__name__)

_switching = OneAtATime("switched to")


class DeploymentNotFound(DeploymentError):
    """There is no such deployment."""


class ActiveChanged(DeploymentError):
    """Another deployment is active than the one that was to be replaced; nothing was changed."""

    def __init__(self, *, expected: str, actual: str) -> None:
        super().__init__(f"{actual or 'nothing'} is active now, and no longer {expected or 'nothing'}")
        self.expected, self.actual = expected, actual


def find_deployment(deployment_id: str) -> Deployment:
    """Return a stored deployment.

    Raises:
        DeploymentNotFound: If there is none of this id.
    """
    deployment = Deployment.objects.filter(pk=deployment_id).first()
    if deployment is None:
        raise _not_found(deployment_id)
    return deployment


def _not_found(deployment_id: str) -> DeploymentNotFound:
    return DeploymentNotFound(f"there is no deployment {deployment_id}")


def previous_deployment() -> Deployment:
    """Return the deployment that was active before the present one.

    Raises:
        DeploymentNotFound: If there was none.
    """
    deployment = Deployment.objects.formerly_active().first()
    if deployment is None:
        raise DeploymentNotFound("no other deployment was ever active")
    return deployment


def switch_now(deployment_id: str, *, decision: Decision = BY_PROGRAM, replacing: str | None = None) -> bool:
    """Verify a stored deployment and make it the active one.

    Args:
        deployment_id: Which one.
        decision: Whose choice it is; it is kept.
        replacing: The deployment that must be active until then, empty for none; any if ``None``.

    Returns:
        Whether it was not active already.

    Raises:
        ActiveChanged: If another one than ``replacing`` is active.
        DeploymentNotFound: If there is none of this id.
        DeploymentRefused: If it cannot be run here and now; nothing was changed.
        Busy: If another switch is under way.
    """
    with _switching():
        deployment = find_deployment(deployment_id)
        if deployment.status == DeploymentStatus.ACTIVE:
            return False
        verify_deployment(deployment).refuse()
        _set_active(deployment, decision, replacing=replacing)
        return True


def enqueue(deployment_id: str, *, allow_unavailable: bool = False, decision: Decision = BY_PROGRAM) -> None:
    """Have the next start of the server activate a stored deployment, and no other.

    Enqueuing the active deployment takes back what was enqueued before.

    Args:
        deployment_id: Which one.
        allow_unavailable: Pass over what this machine lacks now; the start looks again.
        decision: Whose choice it is; it is kept, and stands for the activation, too.

    Raises:
        DeploymentNotFound: If there is none of this id.
        DeploymentRefused: If it cannot be run; nothing was changed.
        Busy: If another switch is under way.
    """
    with _switching():
        deployment = find_deployment(deployment_id)
        is_active = deployment.status == DeploymentStatus.ACTIVE
        if not is_active:
            verify_deployment(deployment).refuse(allow_unavailable=allow_unavailable)
        try:
            with transaction.atomic():
                Deployment.objects.enqueued().update(status=DeploymentStatus.INACTIVE)
                if not is_active:
                    # It may have become active meanwhile, and must not lose that.
                    inactive = Deployment.objects.filter(pk=deployment_id, status=DeploymentStatus.INACTIVE)
                    if not inactive.update(status=DeploymentStatus.ENQUEUED):
                        find_deployment(deployment_id)
                record_decision(deployment_id, SwitchKind.ENQUEUED, decision, replaced=_active_id(), at=timezone.now())
        except IntegrityError as error:
            raise DeploymentRefused(["another deployment was enqueued at the same moment; try again"]) from error


def activate_enqueued() -> Deployment | None:
    """Make the enqueued deployment the active one, if there is one; for the start of the server.

    Returns:
        What is active now because of it.

    Raises:
        DeploymentRefused: If it cannot be run here and now; it stays enqueued, and what is active stays so.
        Busy: If another switch is under way.
    """
    deployment = Deployment.objects.enqueued().first()
    if deployment is None:
        return None
    with _switching():
        verify_deployment(deployment).refuse()
        _set_active(deployment, decision_to_enqueue(deployment.pk), replacing=None)
    return deployment


def _set_active(deployment: Deployment, decision: Decision, *, replacing: str | None) -> None:
    now = timezone.now()
    try:
        with transaction.atomic():
            replaced = _active_id()
            if replacing is not None and replaced != replacing:
                raise ActiveChanged(expected=replacing, actual=replaced)
            Deployment.objects.active().update(status=DeploymentStatus.INACTIVE)
            activated = Deployment.objects.filter(pk=deployment.pk).update(
                status=DeploymentStatus.ACTIVE, last_active_at=now
            )
            if not activated:
                raise _not_found(deployment.pk)  # it was deleted meanwhile
            record_decision(deployment.pk, SwitchKind.ACTIVATED, decision, replaced=replaced, at=now)
    except IntegrityError as error:
        raise DeploymentRefused(["another deployment was activated at the same moment; try again"]) from error
    deployment.refresh_from_db(fields=["status", "last_active_at"])
    log.info("deployment.activated", deployment_id=deployment.deployment_id)


def _active_id() -> str:
    """Return the id of the active deployment, which stays it until the transaction ends; empty if there is none."""
    active = Deployment.objects.active().select_for_update().values_list("deployment_id", flat=True)
    return active.first() or ""
