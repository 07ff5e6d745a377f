"""The functions that can be called now, as this process last saw them."""

from __future__ import annotations

import threading

from components.models import Deployment
from components.services import load_deployment
from engine.deployment.registry import Registry
from engine.deployment.spec import DeploymentSpec

_mutex = threading.Lock()
_latest: Registry | None = None

NOTHING = Registry(DeploymentSpec(id="", components=()))
"""What is deployed before the first deployment."""


def deployed_registry() -> Registry:
    """Return the active deployment's functions; read again only when another deployment became active.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read, or needs a variable that is not set.
    """
    global _latest  # noqa: PLW0603 - one per process, replaced whole
    active = Deployment.objects.active().first()
    if active is None:
        return NOTHING
    with _mutex:
        if _latest is None or _latest.deployment.id != active.deployment_id:
            _latest = Registry(load_deployment(active))
        return _latest
