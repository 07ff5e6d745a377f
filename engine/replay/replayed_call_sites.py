"""Where a workflow made the calls that its history holds, found out by replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.log.backtraces import CallSite
from engine.log.events import HISTORY_EVENTS, LogEntry
from engine.log.ids import Version
from engine.log.return_values import JsonText


class ReplayedCallSites:
    """Takes what an interpreter says of its calls, and knows which recorded events each of them stands for.

    Args:
        entries: The log that is replayed.
        position: Returns how many history events were replayed so far.
    """

    def __init__(self, entries: Iterable[LogEntry], position: Callable[[], int]) -> None:
        self._versions = [entry.version for entry in entries if isinstance(entry.event, HISTORY_EVENTS)]
        self._position = position
        self._begun: tuple[JsonText, int] | None = None
        self._sites: list[CallSite] = []

    def begin(self, stack: JsonText, _version: Version) -> None:
        """See `engine.host.context.CallSiteLog`."""
        self._begun = stack, self._position()

    def end(self, _version: Version) -> None:
        """See `engine.host.context.CallSiteLog`."""
        begun, self._begun = self._begun, None
        position = self._position()
        if begun is not None and position > begun[1]:
            stack, first = begun
            self._sites.append(CallSite(self._versions[first], Version(self._versions[position - 1] + 1), stack))

    def found(self) -> tuple[CallSite, ...]:
        """Return the calls, the one among them at which the guest was unwound."""
        self.end(Version(0))
        return tuple(self._sites)
