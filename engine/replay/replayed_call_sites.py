"""Where a workflow made the calls that its history holds, and those that it would make, found out by replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.deployment.spec import ComponentId
from engine.log.backtraces import CallSite, CallSites
from engine.log.events import HISTORY_EVENTS, LogEntry
from engine.log.ids import ExecutionId, Version
from engine.log.return_values import JsonText


class ReplayedCallSites:
    """Takes what an interpreter says of its calls, and knows which recorded events each of them stands for.

    Args:
        execution_id: The execution.
        component_id: The version of the component that is replayed.
        entries: The log that is replayed.
        position: Returns how many history events were replayed so far.
        is_needed: Whether to have interpreters say it for which that is work.
    """

    def __init__(
        self,
        execution_id: ExecutionId,
        component_id: ComponentId,
        entries: Iterable[LogEntry],
        position: Callable[[], int],
        *,
        is_needed: bool,
    ) -> None:
        self.is_needed = is_needed
        self._execution_id = execution_id
        self._component_id = component_id
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

    @property
    def under_way(self) -> JsonText | None:
        """The place of the call under way, at which the guest may have been unwound; ``None`` if unknown."""
        return None if self._begun is None else self._begun[0]

    def of_write(self, first: Version, behind: Version) -> CallSites | None:
        """Return the place of the call under way, as that of the events that it would write; ``None`` if unknown."""
        return None if self._begun is None else self._together((CallSite(first, behind, self._begun[0]),))

    def found(self) -> CallSites | None:
        """Return the recorded calls, the one among them at which the guest was unwound; ``None`` if none is known."""
        self.end(Version(0))
        return self._together(tuple(self._sites)) if self._sites else None

    def _together(self, sites: tuple[CallSite, ...]) -> CallSites:
        return CallSites(execution_id=self._execution_id, component_id=self._component_id, sites=sites)
