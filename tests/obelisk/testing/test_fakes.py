"""What a test says comes of activities, and what it may not say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.log.events import Finished
from obelisk import RetryLater
from obelisk.testing import CRASH, TIMED_OUT, NotFaked, Sandbox
from tests.obelisk.testing.trips import (
    NoSuchCity,
    SoldOut,
    Trip,
    approve,
    book,
    book_hotel,
    booked,
    count_rabbits,
    either,
    fibo,
    insist,
    order,
    paid,
    quote,
    quotes,
    tour,
)

ROME = Trip("Rome")


def test_outcomes_go_to_attempts_in_their_order_and_the_last_repeats(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, "ref-1", SoldOut("Oslo"), "ref-2")

    assert sandbox.start(tour, ["Rome", "Oslo", "Rio"]).result() == ["ref-1", "ref-2", "ref-2"]


def test_a_function_gets_the_arguments(sandbox: Sandbox) -> None:
    def reference(trip: Trip) -> str:
        if trip.city == "Atlantis":
            raise NoSuchCity(trip.city)
        return f"ref-{trip.city}-{trip.nights}"

    sandbox.fake(book_hotel, reference)

    assert sandbox.start(insist, Trip("Rome", 3)).result() == "ref-Rome-3"
    with pytest.raises(NoSuchCity):
        sandbox.start(insist, Trip("Atlantis")).result()


def test_back_off_and_retry_later_pass_on_the_clock(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, ValueError("bad luck"), RetryLater("closed", after=timedelta(hours=5)), "ref-1")
    run = sandbox.start(insist, ROME)
    run.advance(timedelta(hours=5))  # and 200 ms after the first attempt
    assert not isinstance(run.events()[-1], Finished)

    run.advance(timedelta(milliseconds=200))
    assert isinstance(run.events()[-1], Finished)
    assert run.result() == "ref-1"


def test_attempts_end_with_the_retries(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, TIMED_OUT)
    assert sandbox.start(book, ROME).result() == "took too long"

    sandbox.fake(book_hotel, ValueError("no room"))
    assert sandbox.start(book, ROME).result() == "ValueError: no room"


def test_a_timed_out_attempt_takes_as_long_as_it_may(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, TIMED_OUT, "ref-1")
    run = sandbox.start(insist, ROME)
    run.advance(timedelta(seconds=10, milliseconds=199))
    assert not isinstance(run.events()[-1], Finished)

    run.advance(timedelta(milliseconds=1))
    assert isinstance(run.events()[-1], Finished)


def test_after_a_crash_others_take_over(sandbox: Sandbox) -> None:
    sandbox.fake(quote, CRASH, 7)

    assert sandbox.start(quotes, ["Rome", "Oslo"]).result() == [7, 7]


def test_a_workflow_that_others_call_is_faked_too(sandbox: Sandbox) -> None:
    sandbox.fake(order, 90)
    sandbox.start(either, ROME).result()

    with pytest.raises(TypeError, match=r"fake\(order\): CRASH is for activities; a workflow goes on after it"):
        sandbox.fake(order, CRASH)


def test_a_faked_stub_is_answered_at_once(sandbox: Sandbox) -> None:
    sandbox.fake(approve, False)

    run = sandbox.start(order, ROME)

    assert run.result() == 0
    assert run.calls(approve) == [(ROME,)]


def test_functions_of_other_components_have_to_be_faked(sandbox: Sandbox) -> None:
    with pytest.raises(NotFaked, match=r"testing:fibo/fibo.fibo is of another component, which is not here; say what"):
        sandbox.start(count_rabbits, 10).result()

    sandbox.fake(fibo, 55)
    assert sandbox.start(count_rabbits, 10).result() == 55


def test_an_assertion_in_a_fake_fails_the_test(sandbox: Sandbox) -> None:
    def check(city: str) -> int:
        assert city == "Oslo"
        return 1

    sandbox.fake(quote, check)

    with pytest.raises(AssertionError, match="Oslo"):
        sandbox.start(quotes, ["Rome"]).result()


def test_a_fake_may_be_changed_while_a_run_waits(sandbox: Sandbox) -> None:
    sandbox.fake(quote, 1)
    run = sandbox.start(quotes, ["Rome"])
    run.advance(timedelta(minutes=1))
    sandbox.fake(quote, TIMED_OUT, 2)

    assert run.result() == [2]


def test_outcomes_of_another_type_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="quote -> return: expected int, got 'ten'"):
        sandbox.fake(quote, "ten")  # type: ignore[arg-type]  # what is tried
    with pytest.raises(TypeError, match=r"fake\(book_hotel\): SoldOut is a class; give an instance of it"):
        sandbox.fake(book_hotel, SoldOut)  # type: ignore[arg-type]  # what is tried
    with pytest.raises(TypeError, match=r"fake\(quote\): say what comes of it"):
        sandbox.fake(quote)
    sandbox.fake(quote, lambda city: "ten")  # type: ignore[arg-type, return-value]  # what is tried
    with pytest.raises(TypeError, match="quote -> return: expected int, got 'ten'"):
        sandbox.start(quotes, ["Rome"]).result()


def test_signals_and_queries_are_not_faked(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match=r"fake\(paid\): it is a signal, which is not run in the first place"):
        sandbox.fake(paid, 90)
    with pytest.raises(TypeError, match=r"fake\(booked\): it is a query"):
        sandbox.fake(booked, 1)
