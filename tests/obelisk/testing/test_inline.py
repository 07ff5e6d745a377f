"""Files run in the test's own process."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from obelisk import ChildError
from obelisk.testing import CRASH, TIMED_OUT, Sandbox, Stuck
from tests.obelisk.testing.files import import_files
from tests.obelisk.testing.trips import (
    SoldOut,
    Trip,
    approve,
    approved,
    book,
    book_hotel,
    either,
    insist,
    order,
    quotes,
    tour,
)

ROME = Trip("Rome")


@pytest.fixture
def inline(sandbox: Sandbox) -> Sandbox:
    sandbox.inline()
    return sandbox


def test_what_runs_in_the_sandbox_runs_in_line(inline: Sandbox) -> None:
    assert inline.start(quotes, ["Rome", "Oslo"]).result() == [40, 40]

    inline.fake(book_hotel, TIMED_OUT, CRASH, "ref-1")
    run = inline.start(tour, ["Rome"])
    assert run.result() == ["ref-1"]
    assert run.calls(book_hotel) == [(ROME,)]

    inline.fake(book_hotel, "ref-2")
    waiting = inline.start(approved, ROME)
    waiting.advance(timedelta(hours=47))
    waiting.answer(approve, True)
    assert waiting.result() == "ref-2"


def test_errors_arrive_as_in_the_sandbox(inline: Sandbox) -> None:
    inline.fake(book_hotel, SoldOut("Rome"))
    assert inline.start(book, ROME).result() == "sold out in Rome"
    with pytest.raises(SoldOut):
        inline.start(insist, ROME).result()
    with pytest.raises(ChildError, match=r"SoldOut"):
        inline.start(tour, ["Rome"]).result()
    with pytest.raises(ChildError, match=r"TimeoutError"):
        inline.start(approved, ROME).result()


def test_no_line_runs_twice(inline: Sandbox, tmp_path: Path) -> None:
    module = import_files(
        tmp_path,
        steps="""
            from datetime import timedelta
            from obelisk import activity, sleep, stub, workflow
            PACKAGE = "acme:steps"
            done = []
            @stub
            def approve() -> bool: ...
            @activity
            def work() -> int:
                done.append("work")
                return 1
            @workflow
            def flow() -> int:
                done.append("begin")
                work()
                sleep(timedelta(days=1))
                done.append("slept")
                try:
                    approve()
                finally:
                    done.append("finally")
                return len(done)
        """,
    )
    run = inline.start(module.flow)
    run.advance(timedelta(days=2))
    assert module.done == ["begin", "work", "slept"]

    run.answer(module.approve, True)

    assert run.result() == 4


def test_workflows_that_still_wait_end_with_the_test() -> None:
    sandbox = Sandbox()
    sandbox.inline()
    with pytest.raises(Stuck):
        sandbox.start(either, ROME).result()
    assert {thread.name for thread in threading.enumerate()} >= {"either", "order"}

    sandbox.close()

    assert not {thread.name for thread in threading.enumerate()} & {"either", "order"}


def test_checks_use_the_sandbox_all_the_same(inline: Sandbox) -> None:
    inline.fake(book_hotel, "ref-1")

    assert inline.check_replay(tour, ["Rome"]) == ["ref-1"]


def test_a_run_does_not_change_over(sandbox: Sandbox) -> None:
    sandbox.start(order, ROME)

    with pytest.raises(RuntimeError, match=r"inline\(\) comes before the first start\(\)"):
        sandbox.inline()
