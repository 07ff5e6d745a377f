"""What a transaction says that changed a state which was not as it had been loaded."""

from __future__ import annotations

from engine.errors import JournalUnavailable

OUTDATED = "a state changed while it was being changed"


class StateOutdated(JournalUnavailable):
    """A transaction was rolled back: a state was not what it had been when it was loaded."""
