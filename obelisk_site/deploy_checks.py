"""System checks for ``manage.py check --deploy`` alone: of what a site can start without."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage


@checks.register(deploy=True)
def check_redis(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report a Redis that is configured and does not answer."""
    if "redis" not in settings.Q_CLUSTER:
        return []
    # Imported here: every process imports this module, and few have a Redis.
    import redis

    from executions.redis_broker import RedisBroker

    client = RedisBroker.get_connection()
    try:
        client.ping()
    except redis.RedisError as error:
        why = str(error).rstrip(".")
        problem = f"Redis does not answer: {why}. Executions and pages go on; housekeeping such as retention waits."
        hint = "Start it, correct OBELISK_REDIS_URL, or unset that to keep housekeeping in the database."
        return [checks.Warning(problem, hint=hint, id="obelisk.W010")]
    finally:
        client.close()
    return []


@checks.register(deploy=True)
def check_shared_key(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report a secret key that each host makes for itself, though hosts share a database."""
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3" or "DJANGO_SECRET_KEY" in os.environ:
        return []
    problem = "The secret key is this data directory's own: logins and housekeeping of hosts with others are refused."
    hint = "If there are several hosts, give all the same DJANGO_SECRET_KEY."
    return [checks.Warning(problem, hint=hint, id="obelisk.W011")]
