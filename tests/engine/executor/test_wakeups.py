"""No wake-up is lost: whatever happens between subscribing, looking and waiting ends the wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from engine.executor.wakeups import Wakeups
from engine.journal.records import Hints
from tests.builders import NOW, make_execution_id

ONE, OTHER = make_execution_id(1), make_execution_id(2)
LONG_S = 20
AT_ONCE_S = 0.0
MOMENT_S = 0.01


@pytest.fixture
def wakeups() -> Wakeups:
    return Wakeups()


def _responses() -> Hints:
    return Hints(responses_for=frozenset([ONE]))


def _finished() -> Hints:
    return Hints(finished=frozenset([ONE]))


@pytest.mark.parametrize("hints", [_responses(), _finished()])
def test_a_commit_wakes_those_who_wait_for_its_execution(wakeups: Wakeups, hints: Hints) -> None:
    subscription = wakeups.subscribe(ONE)
    other = wakeups.subscribe(OTHER)

    wakeups.on_hints(hints)

    assert subscription.wait(AT_ONCE_S)
    assert not other.wait(AT_ONCE_S)


def test_a_wake_up_between_the_look_and_the_wait_ends_the_wait(wakeups: Wakeups) -> None:
    subscription = wakeups.subscribe(ONE)
    # Subscribe, look (nothing there), and only now it happens.
    wakeups.on_hints(_responses())

    assert subscription.wait(LONG_S)


def test_a_wake_up_during_the_wait_ends_it(wakeups: Wakeups) -> None:
    subscription = wakeups.subscribe(ONE)
    woken: list[bool] = []
    waiter = threading.Thread(target=lambda: woken.append(subscription.wait(LONG_S)))
    waiter.start()

    wakeups.on_hints(_responses())
    waiter.join(LONG_S)

    assert woken == [True]


def test_a_wake_up_is_taken_once(wakeups: Wakeups) -> None:
    subscription = wakeups.subscribe(ONE)
    wakeups.on_hints(_responses())
    wakeups.on_hints(_responses())

    assert subscription.take()
    assert not subscription.take()
    assert not subscription.wait(AT_ONCE_S)


def test_every_subscriber_of_an_execution_is_woken(wakeups: Wakeups) -> None:
    subscriptions = [wakeups.subscribe(ONE) for _ in range(3)]

    wakeups.on_hints(_finished())

    assert all(subscription.wait(AT_ONCE_S) for subscription in subscriptions)


def test_a_closed_subscription_is_forgotten_and_the_others_stay(wakeups: Wakeups) -> None:
    closed, kept = wakeups.subscribe(ONE), wakeups.subscribe(ONE)
    closed.close()
    closed.close()

    wakeups.on_hints(_finished())

    assert not closed.take()
    assert kept.take()
    kept.close()
    assert not wakeups._subscriptions


def test_a_broadcast_wakes_everybody(wakeups: Wakeups) -> None:
    subscriptions = [wakeups.subscribe(ONE), wakeups.subscribe(OTHER)]

    wakeups.broadcast()

    assert all(subscription.take() for subscription in subscriptions)
    assert _is_woken(wakeups, within_s=LONG_S)


def _is_woken(wakeups: Wakeups, *, within_s: float) -> bool:
    """Whether the loop's wait ends before its time is over."""
    started = time.monotonic()
    wakeups.wait_for_work(within_s)
    return time.monotonic() - started < within_s


@pytest.mark.parametrize(
    "announce",
    [
        lambda wakeups: wakeups.announce_work(),
        lambda wakeups: wakeups.on_hints(Hints(pending_from=NOW)),
        lambda wakeups: wakeups.on_hints(Hints(delay_from=NOW)),
    ],
)
def test_work_announced_while_the_loop_was_busy_ends_its_next_wait(
    wakeups: Wakeups, announce: Callable[[Wakeups], None]
) -> None:
    announce(wakeups)

    assert _is_woken(wakeups, within_s=LONG_S)
    assert not _is_woken(wakeups, within_s=MOMENT_S)  # it was taken


@pytest.mark.parametrize("hints", [Hints(), _responses(), _finished()])
def test_hints_that_bring_no_work_leave_the_loop_asleep(wakeups: Wakeups, hints: Hints) -> None:
    wakeups.on_hints(hints)

    assert not _is_woken(wakeups, within_s=MOMENT_S)


def test_a_listener_hears_all_hints(wakeups: Wakeups) -> None:
    heard: list[Hints] = []
    wakeups.listen(heard.append)

    wakeups.on_hints(_responses())
    wakeups.listen(None)
    wakeups.on_hints(_finished())

    assert heard == [_responses()]
