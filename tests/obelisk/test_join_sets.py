"""What people see of join sets and sagas: in a log line, and among the debugger's variables."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from obelisk import activity, saga
from obelisk.backends import Options
from obelisk.functions import Function
from obelisk.join_sets import JoinSet, Outcome


class Three:
    """A result."""

    def result(self) -> int:
        return 3


class Members:
    """An engine whose members end in the order in which they were submitted."""

    name = "g:1"

    def __init__(self) -> None:
        self._ids: list[str] = []

    def submit(
        self, _function: Function[..., Any], _args: tuple[Any, ...], _kwargs: dict[str, Any], _options: Options
    ) -> str:
        self._ids.append(f"E_1.g:1_{len(self._ids) + 1}")
        return self._ids[-1]

    def submit_delay(self, _until: timedelta | datetime) -> str:
        self._ids.append("Delay_1.g:1_1")
        return self._ids[-1]

    def next(self) -> tuple[str, Outcome]:
        return self._ids.pop(0), Three()

    def try_next(self) -> tuple[str, Outcome] | None:
        return self.next()

    def close(self) -> None:
        self._ids.clear()


@activity
def fetch(city: str) -> int:
    return len(city)


def test_a_join_set_tells_its_name_and_how_many_members_there_are() -> None:
    trips = JoinSet(Members())
    assert repr(trips) == "<JoinSet g:1: 0 open, 0 arrived>"

    trips.submit(fetch, "Rome")
    oslo = trips.submit(fetch, "Oslo")
    assert repr(trips) == "<JoinSet g:1: 2 open, 0 arrived>"
    assert oslo.result() == 3
    assert repr(trips) == "<JoinSet g:1: 0 open, 2 arrived>"
    assert repr(oslo) == "<Child E_1.g:1_2 done>"

    trips.close()
    assert repr(trips) == "<JoinSet g:1: closed>"


def test_a_saga_tells_what_it_would_undo() -> None:
    with saga() as undone:
        assert repr(undone) == "<Saga: nothing to undo>"
        undone.undo(fetch, "Rome")
        assert repr(undone) == f"<Saga: {fetch.name} to undo>"
