"""Notes the source lines of a workflow run's calls, to be stored behind everything else."""

from __future__ import annotations

from collections.abc import Callable

from engine.deployment.spec import ComponentId
from engine.log.backtraces import CallSite, CallSites
from engine.log.ids import ExecutionId, Version
from engine.log.return_values import JsonText

_MOST_AT_ONCE = 200


class CallSiteLog:
    """The calls of one run; those that wrote nothing, as a replay's, leave nothing.

    Args:
        execution_id: The execution.
        component_id: The version of the component that runs.
        store: Takes what is to be stored.
    """

    __slots__ = ("_component_id", "_execution_id", "_first", "_sites", "_stack", "_store")

    def __init__(
        self, execution_id: ExecutionId, component_id: ComponentId, store: Callable[[CallSites], None]
    ) -> None:
        self._execution_id = execution_id
        self._component_id = component_id
        self._store = store
        self._sites: list[CallSite] = []
        self._stack: JsonText | None = None
        self._first = Version(0)

    @property
    def is_needed(self) -> bool:
        """See `engine.host.context.CallSiteLog`."""
        return False

    def begin(self, stack: JsonText, version: Version) -> None:
        """Hear that a call is made.

        Args:
            stack: From where.
            version: Of the next event.
        """
        self._stack, self._first = stack, version

    def end(self, version: Version) -> None:
        """Hear that the call is over; ``version`` is the next event's."""
        if self._stack is not None and version > self._first:
            self._sites.append(CallSite(self._first, version, self._stack))
            if len(self._sites) >= _MOST_AT_ONCE:
                self._hand_over()
        self._stack = None

    def close(self, version: Version) -> None:
        """Hear that the run is over; the call that unwound it ends at ``version``."""
        self.end(version)
        if self._sites:
            self._hand_over()

    def _hand_over(self) -> None:
        sites, self._sites = self._sites, []
        self._store(CallSites(execution_id=self._execution_id, component_id=self._component_id, sites=tuple(sites)))
