from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django_q.conf import Conf
from structlog.testing import capture_logs

from executions import redis_broker
from executions.redis_broker import RedisBroker
from tests.acceptance.sites import unused_port
from tests.harness.redis_server import RedisServer, skip_without_redis

PASSWORD = "secret of these tests"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    skip_without_redis()
    server = RedisServer(tmp_path, port=unused_port(), password=PASSWORD)
    server.start()
    yield server
    server.node.kill()


@pytest.fixture
def broker(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> RedisBroker:
    monkeypatch.setattr(redis_broker, "_PAUSE_S", 0)
    monkeypatch.setattr(Conf, "REDIS", {"host": "127.0.0.1", "port": server.port, "password": PASSWORD})
    return RedisBroker("tests")


def test_what_is_put_in_comes_out(broker: RedisBroker) -> None:
    broker.enqueue("task")

    assert broker.ping()
    assert broker.queue_size() == 1
    assert broker.dequeue() == [(None, b"task")]
    broker.set_stat("cluster", "fine", 10)
    assert broker.get_stat("cluster") == b"fine"


def test_a_redis_that_is_away_has_no_tasks_and_is_left_alone(server: RedisServer, broker: RedisBroker) -> None:
    server.node.kill()

    with capture_logs() as logs:
        assert not broker.ping()
        assert broker.dequeue() is None
        broker.set_stat("cluster", "fine", 10)
        assert broker.dequeue() is None

    assert [line["event"] for line in logs] == ["housekeeping.redis_away"]
    assert PASSWORD not in str(logs)
    with pytest.raises(redis.ConnectionError):
        broker.enqueue("task")


def test_it_is_used_again_when_it_is_back(
    server: RedisServer, broker: RedisBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_broker, "LEFT_ALONE_S", 0)
    server.node.kill()
    assert broker.dequeue() is None
    server.start()
    broker.enqueue("task")

    with capture_logs() as logs:
        assert broker.dequeue() == [(None, b"task")]

    assert [line["event"] for line in logs] == ["housekeeping.redis_back"]


def test_a_redis_that_says_nothing_is_given_up(
    server: RedisServer, broker: RedisBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_broker, "_ANSWER_S", 0.05)
    impatient = RedisBroker("tests")
    server.node.freeze()

    assert not impatient.ping()
    assert impatient.dequeue() is None

    server.node.stop(signal.SIGTERM)
