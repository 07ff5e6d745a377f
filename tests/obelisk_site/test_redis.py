from __future__ import annotations

import pytest

from obelisk_site.redis import channel_layers, housekeeping_broker, redis_address


def test_without_an_address_nothing_asks_for_redis() -> None:
    address = redis_address("", password="of no use")

    assert address == ""
    assert channel_layers(address)["default"]["BACKEND"] == "channels.layers.InMemoryChannelLayer"
    assert housekeeping_broker(address)["orm"] == "default"


@pytest.mark.parametrize(
    "url", ["redis://cache:6379/2", "rediss://user:secret@cache.example.com", "unix:///run/redis.sock"]
)
def test_an_address_is_taken_as_it_is(url: str) -> None:
    assert redis_address(url, password=None) == url


def test_a_password_from_a_file_goes_into_the_address() -> None:
    address = redis_address("redis://someone@cache:6380/2", password="a@b/c")

    layer = channel_layers(address)["default"]["CONFIG"]["hosts"][0]
    queue = housekeeping_broker(address)["redis"]
    assert layer == queue
    assert queue == {"host": "cache", "port": 6380, "db": 2, "username": "someone", "password": "a@b/c"}


def test_two_passwords_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="OBELISK_REDIS_PASSWORD_FILE has another; leave one") as caught:
        redis_address("redis://:first@cache", password="second")

    assert "first" not in str(caught.value)
    assert "second" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["cache:6379", "http://cache", "redis://", "redis://:secret@", "redis://x:secret@cache:secret", "unix://"]
)
def test_what_is_no_address_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="expected redis://HOST:PORT/DATABASE") as caught:
        redis_address(url, password=None)

    assert "secret" not in str(caught.value)
