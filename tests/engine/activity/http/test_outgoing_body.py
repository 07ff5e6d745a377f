from __future__ import annotations

import pytest

from engine.activity.http.outgoing_body import CAPACITY, OutgoingBody
from engine.errors import OutboundInvalid


def test_what_is_written_takes_room_until_it_is_taken_out() -> None:
    body = OutgoingBody()
    body.write(b"x" * 100)

    assert body.room() == CAPACITY - 100

    body.buffer.clear()
    assert body.room() == CAPACITY


def test_a_body_longer_than_promised_is_refused() -> None:
    body = OutgoingBody(3)
    body.write(b"ab")

    with pytest.raises(OutboundInvalid) as caught:
        body.write(b"cd")

    assert caught.value.code == "HTTP-request-body-size"


def test_a_body_shorter_than_promised_is_given_up() -> None:
    body = OutgoingBody(3)
    body.write(b"ab")

    with pytest.raises(OutboundInvalid):
        body.finish()

    assert body.is_aborted
    assert not body.is_finished


def test_whoever_takes_it_out_hears_of_every_change() -> None:
    body = OutgoingBody()
    heard: list[str] = []
    body.on_change = lambda: heard.append("x")

    body.write(b"a")
    body.flush()
    body.finish()
    body.abort()

    assert len(heard) == 3
    assert not body.is_aborted


def test_a_body_that_nobody_takes_out_yet_counts_as_flushed() -> None:
    body = OutgoingBody()
    body.write(b"a")
    assert body.is_flushed()

    body.is_attached = True
    assert not body.is_flushed()
