"""Tests as people write them, on the engine that `obelisk.testing` gives them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.log.events import Created, Finished, JoinSetCreated
from obelisk import ChildError
from obelisk.testing import CRASH, TIMED_OUT, NotWaiting, Sandbox, Stuck
from tests.obelisk.testing.trips import (
    NoSuchCity,
    SoldOut,
    Trip,
    approve,
    approved,
    book,
    book_hotel,
    booked,
    cancel_hotel,
    either,
    fibo,
    insist,
    invent,
    later,
    order,
    paid,
    quote,
    quotes,
    tick_for_ever,
    tour,
)

ROME = Trip("Rome")

# --- As in docs/testing.md --------------------------------------------------------------------------------------------


def test_errors_and_retries(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, SoldOut("Rome"))
    assert sandbox.start(book, ROME).result() == "sold out in Rome"

    sandbox.fake(book_hotel, TIMED_OUT, CRASH, "ref-1")
    run = sandbox.start(tour, ["Rome"])

    assert run.result() == ["ref-1"]
    assert run.calls(book_hotel) == [(ROME,)]


def test_approval(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, "ref-1")
    run = sandbox.start(approved, ROME)
    run.advance(timedelta(hours=47))
    run.answer(approve, True)

    assert run.result() == "ref-1"


# --- Results ----------------------------------------------------------------------------------------------------------


def test_what_is_not_faked_runs_in_the_real_sandbox(sandbox: Sandbox) -> None:
    assert sandbox.start(quotes, ["Rome", "Oslo", "Rio"]).result() == [40, 40, 30]
    assert sandbox.start(quote, city="Rome").result() == 40


def test_declared_errors_arrive_as_themselves(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, SoldOut("Rome"))
    with pytest.raises(SoldOut) as sold_out:
        sandbox.start(insist, ROME).result()
    assert sold_out.value.city == "Rome"

    sandbox.fake(book_hotel, NoSuchCity("Atlantis"))
    with pytest.raises(NoSuchCity, match=r"Atlantis"):
        sandbox.start(insist, ROME).result()


def test_other_errors_tell_the_function_and_where_in_the_file(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, SoldOut("Rome"))

    with pytest.raises(ChildError, match=r"acme:trips/workflows.tour failed: SoldOut") as caught:
        sandbox.start(tour, ["Rome"]).result()

    assert (caught.value.function, caught.value.failure_kind) == ("acme:trips/workflows.tour", None)
    assert "trips.py" in caught.value.__notes__[0]


def test_nothing_gets_out_of_an_activity_that_is_not_faked(sandbox: Sandbox) -> None:
    assert sandbox.start(book, ROME).result().startswith("Denied: POST https://hotels.example/book is not allowed")


def test_two_tests_see_the_same_ids_and_instants() -> None:
    seen = []
    for _ in range(2):
        sandbox = Sandbox()
        run = sandbox.start(invent, "Rome")
        seen.append((run.id, run.result()))
        sandbox.close()

    assert seen[0] == seen[1]


# --- Time -------------------------------------------------------------------------------------------------------------


def test_time_passes_only_when_it_is_asked_for(sandbox: Sandbox) -> None:
    run = sandbox.start(quotes, ["Rome"])
    run.advance(timedelta(minutes=59, seconds=59))
    assert run.calls(quote) == []

    run.advance(timedelta(seconds=1))
    assert run.calls(quote) == [("Rome",)]

    with pytest.raises(ValueError, match=r"time does not go back"):
        run.advance(timedelta(seconds=-1))


def test_a_timeout_comes_when_nobody_answers(sandbox: Sandbox) -> None:
    with pytest.raises(ChildError, match=r"TimeoutError"):
        sandbox.start(approved, ROME).result()


def test_a_stuck_run_says_what_it_waits_for(sandbox: Sandbox) -> None:
    run = sandbox.start(order, ROME)
    with pytest.raises(Stuck, match=r"^order waits for the stub approve; answer it with run.answer\(approve, ...\)$"):
        run.result()

    run.answer(approve, True)
    with pytest.raises(Stuck, match=r"^order waits for the signal paid$"):
        run.result()


def test_a_stuck_run_says_what_those_wait_for_that_it_waits_for(sandbox: Sandbox) -> None:
    with pytest.raises(
        Stuck,
        match=r"^either waits for the stub approve or the workflow order, which waits for the stub approve; answer it ",
    ):
        sandbox.start(either, ROME).result()


def test_a_run_without_end_is_given_up(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("obelisk.testing.stage._MOST_MOVES", 5)

    with pytest.raises(Stuck, match=r"^tick_for_ever does not end: the clock was moved 5 times, to 2026-01-01 05"):
        sandbox.start(tick_for_ever).result()


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_open_calls_are_answered_oldest_first_wherever_they_are(sandbox: Sandbox) -> None:
    run = sandbox.start(either, ROME)
    run.answer(approve, True)
    run.answer(approve, False)

    assert run.result() is None


def test_a_stub_may_be_answered_with_an_error(sandbox: Sandbox) -> None:
    run = sandbox.start(order, ROME)
    run.answer(approve, ValueError("who knows"))

    with pytest.raises(ChildError, match=r"approve failed: ValueError: who knows"):
        run.result()


def test_an_answer_that_nobody_waits_for_is_refused(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, "ref-1")
    run = sandbox.start(approved, ROME)
    run.answer(approve, True)

    with pytest.raises(
        NotWaiting,
        match=r"^approved does not wait for the stub approve, but for the clock to reach 2026-01-01 01:00",
    ):
        run.answer(approve, True)
    run.result()
    with pytest.raises(NotWaiting, match=r"^approved does not wait for the stub approve any more: it has ended$"):
        run.answer(approve, True)


def test_an_answer_of_another_type_is_refused(sandbox: Sandbox) -> None:
    run = sandbox.start(order, ROME)

    with pytest.raises(TypeError, match=r"approve -> return: expected bool, got 'yes'"):
        run.answer(approve, "yes")  # type: ignore[misc]  # what is tried
    with pytest.raises(TypeError, match=r"quote is an activity, which is not answered; only stubs are"):
        run.answer(quote, 3)


# --- What is there to see ---------------------------------------------------------------------------------------------


def test_calls_are_those_of_the_whole_family(sandbox: Sandbox) -> None:
    run = sandbox.start(either, ROME)
    assert run.calls(approve) == [(ROME,), (ROME,)]
    assert run.calls(order) == [(ROME,)]
    assert run.calls(fibo) == []

    scheduling = sandbox.start(later, "Oslo")
    assert scheduling.calls(quote) == [("Oslo",)]


def test_events_are_the_log(sandbox: Sandbox) -> None:
    run = sandbox.start(order, ROME)
    assert isinstance(run.events()[0], Created)
    assert any(isinstance(event, JoinSetCreated) for event in run.events())

    run.answer(approve, False)
    assert isinstance(run.events()[-1], Finished)


def test_a_saga_undoes_what_was_done(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, "ref-1", "ref-2", NoSuchCity("Oslo"))
    sandbox.fake(cancel_hotel, None)
    run = sandbox.start(tour, ["Rome", "Rio", "Oslo"])

    with pytest.raises(ChildError, match=r"NoSuchCity"):
        run.result()
    assert run.calls(cancel_hotel) == [("ref-2",), ("ref-1",)]


# --- What cannot be started -------------------------------------------------------------------------------------------


def test_only_workflows_and_activities_are_started(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match=r"approve is a stub; start a workflow that calls it"):
        sandbox.start(approve, ROME)
    with pytest.raises(TypeError, match=r"paid is a signal; start"):
        sandbox.start(paid)
    with pytest.raises(TypeError, match=r"booked is a query; start"):
        sandbox.start(booked)
    with pytest.raises(TypeError, match=r"quote.using\(\): the sandbox starts executions at once"):
        sandbox.start(quote.using(after=timedelta(days=1)), "Rome")


def test_arguments_of_other_types_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match=r"quote\(city\): expected str, got 5"):
        sandbox.start(quote, 5)  # type: ignore[arg-type]  # what is tried
