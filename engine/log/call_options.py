"""What one call says about how it is run: kept in the metadata of the creation that it asks for.

The options are no part of what a replay compares, so that they can be changed under running executions.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from engine.deployment.spec import ComponentType
from engine.errors import ValueMismatch
from engine.log.events import Locked, Metadata

_MAX_RETRIES_KEY = "obelisk-max-retries"
_ATTEMPT_TIMEOUT_KEY = "obelisk-attempt-timeout-us"
_KEYS = frozenset({_MAX_RETRIES_KEY, _ATTEMPT_TIMEOUT_KEY})
_MOST_RETRIES = 2**32 - 1
_LONGEST_TIMEOUT = timedelta(days=366)
_MICROSECOND = timedelta(microseconds=1)


def option_metadata(*, max_retries: int | None, attempt_timeout: timedelta | None) -> Metadata:
    """Return options as they stand in the metadata of a creation; nothing for those that are ``None``.

    Args:
        max_retries: Attempts after the first one.
        attempt_timeout: Longest time of one attempt.

    Raises:
        ValueMismatch: If one is out of range.
    """
    metadata: list[tuple[str, str]] = []
    if max_retries is not None:
        if not 0 <= max_retries <= _MOST_RETRIES:
            raise ValueMismatch("max_retries", f"expected 0 to {_MOST_RETRIES}, got {max_retries}")
        metadata.append((_MAX_RETRIES_KEY, str(max_retries)))
    if attempt_timeout is not None:
        if not timedelta() < attempt_timeout <= _LONGEST_TIMEOUT:
            raise ValueMismatch("attempt_timeout", f"expected more than zero and at most {_LONGEST_TIMEOUT.days} days")
        metadata.append((_ATTEMPT_TIMEOUT_KEY, str(attempt_timeout // _MICROSECOND)))
    return tuple(metadata)


def lock_for_call(event: Locked, metadata: Metadata, *, now: datetime) -> Locked:
    """Return a lock event with what its execution's own call says in place of what its function says.

    Args:
        event: The lock as the function's policy has it. Only an activity's changes: a workflow is run again without
            end, and its lock is extended.
        metadata: Of the execution's creation.
        now: When the lock begins.
    """
    if not metadata or event.component_id.component_type is not ComponentType.ACTIVITY:
        return event
    options = {key: int(value) for key, value in metadata if key in _KEYS}
    if not options:
        return event
    timeout_us = options.get(_ATTEMPT_TIMEOUT_KEY)
    return replace(
        event,
        lock_expires_at=event.lock_expires_at if timeout_us is None else now + timedelta(microseconds=timeout_us),
        max_retries=options.get(_MAX_RETRIES_KEY, event.max_retries),
    )
