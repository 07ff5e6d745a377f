"""What kinds of events there are for people who choose among them: each in one group."""

from __future__ import annotations

from typing import Final

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "life": ("created", "finished", "paused", "unpaused", "cancellation_requested", "component_upgrade_finished"),
    "runs": ("locked", "unlocked", "temporarily_failed", "temporarily_timed_out"),
    "submits": ("join_set_request", "schedule", "stub"),
    "awaits": ("join_next", "join_next_try", "join_next_too_many"),
    "join sets": ("join_set_create",),
    "values": ("persist",),
}
KINDS: Final = frozenset(kind for kinds in GROUPS.values() for kind in kinds)
"""As stored: the type of a history event, the variant of any other."""
