"""The dashboard: once a second at most, and the same for all who look at one range."""

from __future__ import annotations

from console.dashboard.ranges import range_of
from console.dashboard.snapshot import snapshot
from console.live.messages import Row, Sub
from console.live.topics import Cursor, Update, Waker
from executions.watching import CommitWatch

_SUMMARY = "tiles"
"""What matters while nobody looks."""


class DashboardTopic:
    """The dashboard of one range; rows of functions change in place, and none comes or goes.

    Args:
        sub: The subscription; its view is the range, its keys are the functions that the page shows.

    Raises:
        ValueError: If there is no such range.
    """

    interval_s = 1.0
    remembers = False

    def __init__(self, sub: Sub) -> None:
        self._range = range_of(sub.view)
        self._functions = frozenset(sub.keys)

    def waker(self) -> Waker:
        """See `Topic`."""
        return CommitWatch()

    def read(self, cursor: Cursor, *, hidden: bool) -> Update | None:
        """See `Topic`. The cursor holds a number for each part that tells its contents apart."""
        taken = snapshot(self._range)
        changed = {
            name
            for name, number in taken.numbers.items()
            if cursor.get(name) != number and (name in taken.regions or name in self._functions)
        }
        if hidden:
            changed &= {_SUMMARY}
        if not changed:
            return None
        return Update(
            cursor={**cursor, **{name: taken.numbers[name] for name in changed}},
            rows=[
                Row(into="functions", key=name, html=html) for name, html in taken.functions.items() if name in changed
            ],
            regions={name: html for name, html in taken.regions.items() if name in changed},
        )
