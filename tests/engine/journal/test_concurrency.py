"""What every journal that threads share promises them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

import pytest

from engine.errors import VersionConflict
from engine.journal.memory import MemoryJournal
from engine.journal.protocol import Journal
from engine.journal.records import Committed
from engine.log import events as e
from executions.journal.journal import SqlJournal
from tests.builders import (
    NOW,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_execution_id,
    make_holder,
    make_lock_request,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import assert_state_is_folded, commit, lock_pending

pytestmark = pytest.mark.usefixtures("either_database")

E1 = make_execution_id()
THREADS = 4
_T = TypeVar("_T")


@pytest.fixture(
    params=[
        "memory",
        pytest.param("one-process", marks=pytest.mark.django_db(transaction=True)),
        pytest.param("many-processes", marks=pytest.mark.django_db(transaction=True)),
    ]
)
def journals(request: pytest.FixtureRequest) -> Iterator[list[Journal]]:
    """A journal for each thread: the same, or each with connections of its own."""
    if request.param == "memory":
        yield [MemoryJournal()] * THREADS
        return
    opened = [SqlJournal.dedicated() for _ in range(1 if request.param == "one-process" else THREADS)]
    yield [opened[number % len(opened)] for number in range(THREADS)]
    for journal in opened:
        journal.close()


def at_once(journals: list[Journal], act: Callable[[Journal, int], _T]) -> list[_T]:
    """Run ``act`` in one thread per journal, all at once."""
    barrier = threading.Barrier(len(journals))

    def run(number: int) -> _T:
        barrier.wait()
        return act(journals[number], number)

    with ThreadPoolExecutor(len(journals)) as pool:
        return list(pool.map(run, range(len(journals))))


def test_of_many_writers_at_one_version_one_wins(journals: list[Journal]) -> None:
    commit(journals[0], make_submit(E1))

    outcomes = at_once(
        journals, lambda journal, _: journal.commit([make_append(E1, e.Paused(), expected=1)], now=NOW).outcomes[0]
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        Committed.__name__,
        *[VersionConflict.__name__] * (THREADS - 1),
    ]
    assert len(journals[0].load_log(E1)) == 2


def test_every_pending_execution_is_locked_by_one_executor(journals: list[Journal]) -> None:
    everybody = [make_execution_id(number) for number in range(1, 41)]
    commit(journals[0], *[make_submit(execution_id) for execution_id in everybody])

    def lock_all(journal: Journal, number: int) -> list[str]:
        mine: list[str] = []
        while locked := lock_pending(journal, make_lock_request(holder=make_holder(number), limit=3)):
            mine += [execution.state.execution_id for execution in locked]
        return mine

    found = at_once(journals, lock_all)

    assert sorted(chain.from_iterable(found)) == everybody


def test_responses_that_arrive_at_once_leave_no_gap(journals: list[Journal]) -> None:
    numbers = range(1, 10 * THREADS + 1)
    commit(journals[0], make_submit(E1, make_created(), make_locked()))
    requests = [make_child_request(E1, number) for number in numbers]
    children = [make_child(E1, number) for number in numbers]
    commit(journals[0], make_append(E1, *requests, expected=2, created=children))

    at_once(
        journals,
        lambda journal, mine: [commit(journal, make_child_end(E1, number)) for number in numbers[mine::THREADS]],
    )

    assert [response.cursor for response in journals[0].load_responses(E1)] == list(numbers)
    assert_state_is_folded(journals[0], E1)
