"""What mypy makes of a test; each line that it has to refuse says so, and an ignore that is not needed is an error."""

from __future__ import annotations

from typing import assert_type

import pytest

from obelisk.testing import CRASH, TIMED_OUT, Run, Sandbox
from tests.obelisk.testing.trips import SoldOut, Trip, approve, book, book_hotel, cancel_hotel, order, quote, tour


def test_types_are_those_of_the_functions(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, TIMED_OUT, CRASH, SoldOut("Rome"), lambda trip: trip.city, "ref-1")
    sandbox.fake(cancel_hotel, None)

    assert_type(sandbox.start(book, Trip("Rome")), Run[str])
    assert_type(sandbox.start(book, trip=Trip("Rome")).result(), str)
    assert_type(sandbox.check_replay(tour, ["Rome"]), list[str])
    run = sandbox.start(order, Trip("Rome"))
    assert_type(run, Run[int])
    run.answer(approve, False)
    assert_type(run.result(), int)


def test_what_does_not_fit_is_refused_by_mypy_and_at_run_time(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError):
        sandbox.start(book, "Rome")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        sandbox.start(book)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        sandbox.check_replay(tour, "Rome")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        sandbox.fake(quote, "ten")  # type: ignore[arg-type]
