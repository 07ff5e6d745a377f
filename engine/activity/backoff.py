"""How long to wait before the next attempt."""

from __future__ import annotations

from datetime import timedelta

MAX_BACKOFF = timedelta(days=1)


def backoff_delay(failures: int, *, initial: timedelta, maximum: timedelta = MAX_BACKOFF) -> timedelta:
    """Return the delay after a failure.

    Args:
        failures: Failed attempts so far, starting at 1.
        initial: Delay after the first failure.
        maximum: Upper bound of the delay.

    Returns:
        ``initial`` doubled once per further failure, capped at ``maximum``.

    Raises:
        ValueError: If ``failures`` is less than 1.

    Source:
        Obelisk reference, section 5.5; the cap is ours.
    """
    if failures < 1:
        raise ValueError(f"a backoff follows a failure, got {failures} failures")
    if initial <= timedelta():
        return timedelta()
    doublings = failures - 1
    # So many doublings exceed the cap for certain, and perhaps what a timedelta can hold.
    if doublings >= (maximum // initial).bit_length():
        return maximum
    return min(initial * (1 << doublings), maximum)
