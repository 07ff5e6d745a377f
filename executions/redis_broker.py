"""Tasks of housekeeping in a list of Redis, which may be away.

django-q2's own broker ends the whole cluster, executors included, when Redis does not answer as it starts. Nobody waits
for housekeeping, and nobody may stop for it.
"""

from __future__ import annotations

import time
from typing import Any, Final

import redis
import structlog
from django_q.brokers import redis_broker
from django_q.conf import Conf
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

LEFT_ALONE_S: Final = 5.0
"""How long a Redis that did not answer is left alone."""
_PAUSE_S: Final = 0.5
_CONNECT_S: Final = 2.0
_ANSWER_S: Final = 5.0
"""Longer than django-q2 has Redis wait for a task."""


class RedisBroker(redis_broker.Redis):  # type: ignore[misc]  # django-q2 ships no types
    """django-q2's broker, for which a Redis that is away has no tasks; who adds one is told by an error."""

    _away_since: float | None = None

    @staticmethod
    def get_connection(list_key: str | None = None) -> redis.Redis:
        """Return a client that gives up soon; it connects when it is used."""
        pool = redis.ConnectionPool(
            **Conf.REDIS,
            socket_connect_timeout=_CONNECT_S,
            socket_timeout=_ANSWER_S,
            # A connection that was cut while nobody used it is opened again; more than that is not waited for.
            retry=Retry(NoBackoff(), 1),
        )
        return redis.Redis(connection_pool=pool)

    def ping(self) -> bool:
        """Tell whether Redis answers; django-q2's own raises, which ends the cluster."""
        try:
            self.connection.ping()
        except redis.RedisError as error:
            self._went_away(error)
            return False
        self._came_back()
        return True

    def dequeue(self) -> list[tuple[Any, Any]] | None:
        """Return the next task; ``None`` after a pause if there is none, or Redis is away."""
        if self._is_left_alone:
            time.sleep(_PAUSE_S)
            return None
        try:
            tasks: list[tuple[Any, Any]] | None = super().dequeue()
        except redis.RedisError as error:
            self._went_away(error)
            return None
        self._came_back()
        return tasks

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Store how the cluster is; not while Redis is away, as whoever does this guards the workers."""
        if self._is_left_alone:
            return
        try:
            super().set_stat(key, value, timeout)
        except redis.RedisError as error:
            self._went_away(error)
        else:
            self._came_back()

    @property
    def _is_left_alone(self) -> bool:
        return self._away_since is not None and time.monotonic() - self._away_since < LEFT_ALONE_S

    def _went_away(self, error: redis.RedisError) -> None:
        if self._away_since is None:
            log.warning("housekeeping.redis_away", error=str(error), consequence="sweeps wait, executions do not")
        self._away_since = time.monotonic()

    def _came_back(self) -> None:
        if self._away_since is not None:
            self._away_since = None
            log.info("housekeeping.redis_back")
