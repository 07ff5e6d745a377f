"""The identity of what is started by the clock, and of the executions that start it, one after the other.

Source:
    Obelisk reference, sections 4 (cron seeds) and 5.12; the separators, the time zone and successors are ours.
"""

from __future__ import annotations

import hashlib

from engine.cron.schedule import CronSchedule


def cron_digest(name: str, ffqn: str, params: str, schedule: CronSchedule) -> str:
    """Return the identity of an entry: what it is called, what it starts and when; policies are not part of it."""
    parts = ["cron:", name, ffqn, params, schedule.text]
    if schedule.timezone != "UTC":
        parts.append(schedule.timezone)
    return f"sha256:{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()}"


def seed_randomness(origin: str) -> tuple[int, bytes]:
    """Return the time and the random part of a seed's id.

    Args:
        origin: The entry's digest for its first seed, for each further one the id of the seed before it.

    Returns:
        Milliseconds that only use 32 bits, so that a seed's id is of 1970, and 10 bytes.
    """
    mixed = hashlib.sha256(origin.encode()).digest()
    return int.from_bytes(mixed[:4], "big"), mixed[4:14]
