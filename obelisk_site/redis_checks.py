"""A system check that asks Redis; for ``manage.py check --deploy`` alone, as the site starts without it."""

from __future__ import annotations

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
