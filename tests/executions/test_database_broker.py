from __future__ import annotations

import pytest
from django_q.brokers import get_broker
from pytest_django import DjangoAssertNumQueries

from executions import database_broker
from executions.database_broker import DatabaseBroker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _without_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_broker, "_PAUSE_S", 0)


def test_it_is_the_broker_of_a_site_without_redis() -> None:
    assert isinstance(get_broker(), DatabaseBroker)


def test_tasks_come_one_look_after_another() -> None:
    broker = DatabaseBroker("tests")
    broker.enqueue("first")
    broker.enqueue("second")

    found = broker.dequeue()

    assert found is not None
    assert [payload for _, payload in found] == ["first", "second"]


def test_an_empty_queue_is_not_looked_at_again_for_a_while(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    broker = DatabaseBroker("tests")
    with django_assert_num_queries(1):
        assert broker.dequeue() is None
        assert broker.dequeue() is None
        assert broker.dequeue() is None

    broker.enqueue("later")
    assert broker.dequeue() is None
    monkeypatch.setattr(database_broker, "LOOK_EVERY_S", 0)
    assert broker.dequeue()
