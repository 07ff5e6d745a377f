"""How many lines an execution may have in its log, over all its runs."""

from __future__ import annotations

from collections.abc import Callable

from engine.deployment.limits import key_of
from engine.deployment.spec import LogLevel
from engine.errors import JournalUnavailable
from engine.executor.services import ExecutorServices
from engine.journal.records import LogLine
from engine.log.ids import ExecutionId


class LogQuota:
    """Lets a run's lines through until its execution has too many, and says so once; of one thread at a time.

    Args:
        most: How many lines the execution may have.
        add: Takes a line.
        earlier: Returns how many it has from earlier runs, asked when the first line comes; ``None`` if there are no
            earlier runs.
    """

    __slots__ = ("_add", "_earlier", "_left", "_most")

    def __init__(self, most: int, add: Callable[[LogLine], None], *, earlier: Callable[[], int] | None = None) -> None:
        self._most = most
        self._left = most
        self._add = add
        self._earlier = earlier

    def add(self, line: LogLine) -> None:
        """Take a line, or drop it."""
        if self._earlier is not None:
            # Where an earlier run was told of the limit its line is one more than the limit, and this one is silent.
            self._left -= self._earlier()
            self._earlier = None
        if self._left > 0:
            self._left -= 1
            self._add(line)
        elif self._left == 0:
            self._left = -1
            self._add(
                LogLine(
                    execution_id=line.execution_id,
                    run_id=line.run_id,
                    created_at=line.created_at,
                    level=LogLevel.WARN,
                    message=f"[the limit {key_of('log_lines')} = {self._most} is reached; the rest is dropped]",
                )
            )


def log_quota(services: ExecutorServices, execution_id: ExecutionId, most: int, *, is_first_run: bool) -> LogQuota:
    """Return the quota of a run.

    Args:
        services: The executor's parts.
        execution_id: Whose log it is.
        most: How many lines it may have.
        is_first_run: Whether nothing ran before, so that nobody need be asked.
    """

    def earlier() -> int:
        # What the run before left here, on its way to the journal, counts as well.
        services.guest_log.flush()
        try:
            return services.journal.count_log_lines(execution_id, limit=most + 1)
        except JournalUnavailable:
            # A log with too many lines is better than a run without any.
            return 0

    return LogQuota(most, services.guest_log.add, earlier=None if is_first_run else earlier)
