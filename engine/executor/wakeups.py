"""Who waits for what inside this process. Wake-ups are hints: everyone who wakes looks at the journal again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.journal.records import Hints
from engine.log.ids import ExecutionId


class Subscription:
    """One run's or client's interest in an execution's responses or end."""

    __slots__ = ("_event", "_execution_id", "_wakeups")

    def __init__(self, wakeups: Wakeups, execution_id: ExecutionId) -> None:
        self._wakeups = wakeups
        self._execution_id = execution_id
        self._event = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a wake-up and take it; tell whether one came in time."""
        woken = self._event.wait(timeout_s)
        self._event.clear()
        return woken

    def take(self) -> bool:
        """Take a wake-up that is there already; tell whether there was one."""
        woken = self._event.is_set()
        self._event.clear()
        return woken

    def wake(self) -> None:
        """Wake whoever waits."""
        self._event.set()

    def close(self) -> None:
        """End the interest."""
        self._wakeups.forget(self._execution_id, self)


class Wakeups:
    """Hands hints to the threads that wait for them."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._subscriptions: dict[ExecutionId, list[Subscription]] = {}
        self._work = threading.Condition(self._mutex)
        self._has_work = False
        self._listener: Callable[[Hints], None] | None = None

    def subscribe(self, execution_id: ExecutionId) -> Subscription:
        """Return a subscription. Subscribe first, then look, then wait: so no wake-up is lost."""
        subscription = Subscription(self, execution_id)
        with self._mutex:
            self._subscriptions.setdefault(execution_id, []).append(subscription)
        return subscription

    def forget(self, execution_id: ExecutionId, subscription: Subscription) -> None:
        """Drop a subscription."""
        with self._mutex:
            others = self._subscriptions.get(execution_id, [])
            if subscription in others:
                others.remove(subscription)
            if not others:
                self._subscriptions.pop(execution_id, None)

    def listen(self, listener: Callable[[Hints], None] | None) -> None:
        """Have one listener hear all hints of this process's commits; quick, and raising nothing."""
        self._listener = listener

    def on_hints(self, hints: Hints) -> None:
        """Pass on what a commit of this process led to."""
        if self._listener is not None:
            self._listener(hints)
        with self._mutex:
            for execution_id in hints.responses_for | hints.finished:
                for subscription in self._subscriptions.get(execution_id, ()):
                    subscription.wake()
            if hints.is_due or hints.pending_from is not None or hints.delay_from is not None:
                # Due now, or the loop sleeps until another instant: let it look and sleep again.
                self._announce_work()

    def broadcast(self) -> None:
        """Wake everyone: another process committed something, nobody knows what."""
        with self._mutex:
            for subscriptions in self._subscriptions.values():
                for subscription in subscriptions:
                    subscription.wake()
            self._announce_work()

    def announce_work(self) -> None:
        """Wake the executor's loop: there may be work, or a free slot."""
        with self._mutex:
            self._announce_work()

    def wait_for_work(self, timeout_s: float) -> None:
        """Wait until there may be work, or the time is over; work announced since the last wait ends it at once."""
        with self._mutex:
            self._work.wait_for(lambda: self._has_work, timeout_s)
            self._has_work = False

    def _announce_work(self) -> None:
        self._has_work = True
        self._work.notify_all()
