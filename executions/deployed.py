"""The functions that can be called now, as this process last saw them."""
# ruff: noqa: S608 - the one statement is put together from constants

from __future__ import annotations

import threading

from django.db import connection

from components.models import Deployment, DeploymentStatus
from components.services import load_deployment
from engine.deployment.registry import Registry
from engine.deployment.spec import DeploymentSpec

#: Which deployment is active; the partial unique index over active ones. Every submission asks, and the ORM takes five
#: times as long for it as the database.
_ACTIVE = f"SELECT deployment_id FROM {Deployment._meta.db_table} WHERE status = '{DeploymentStatus.ACTIVE.value}'"

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
    with connection.cursor() as cursor:
        row = cursor.execute(_ACTIVE).fetchone()
    if row is None:
        return NOTHING
    with _mutex:
        if _latest is None or _latest.deployment.id != row[0]:
            _latest = Registry(load_deployment(Deployment.objects.get(pk=row[0])))
        return _latest
