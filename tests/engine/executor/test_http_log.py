from __future__ import annotations

from engine.executor.best_effort import BestEffort
from engine.journal.memory import MemoryJournal
from engine.simulation.connection import Connection
from tests.builders import make_http_exchange


def urls(journal: MemoryJournal) -> list[str]:
    return [exchange.url for exchange in journal.http_exchanges]


def test_exchanges_are_stored_in_their_order_when_it_is_flushed() -> None:
    journal = MemoryJournal()
    log = BestEffort(journal.add_http_exchanges, what="HTTP exchanges")
    for number in range(1200):
        log.add(make_http_exchange(url=str(number)))
    assert urls(journal) == []

    log.flush()

    assert urls(journal) == [str(number) for number in range(1200)]


def test_more_than_fit_are_dropped_and_the_rest_is_kept() -> None:
    journal = MemoryJournal()
    log = BestEffort(journal.add_http_exchanges, what="HTTP exchanges", capacity=3)
    for number in range(10):
        log.add(make_http_exchange(url=str(number)))

    log.flush()
    log.add(make_http_exchange(url="later"))
    log.flush()

    assert urls(journal) == ["0", "1", "2", "later"]


def test_what_cannot_be_stored_is_lost_and_nobody_is_troubled() -> None:
    journal = MemoryJournal()
    connection = Connection(journal)
    log = BestEffort(connection.add_http_exchanges, what="HTTP exchanges")
    log.add(make_http_exchange(url="lost"))
    connection.is_cut = True

    log.flush()
    connection.is_cut = False
    log.add(make_http_exchange(url="kept"))
    log.flush()

    assert urls(journal) == ["kept"]
