"""Threads that are none: tasks of which one runs at a time, taken up in an order that a seed decides.

A task is a greenlet. It goes on until it waits, or lets others go first; then the scheduler picks one of those that
could go on. When none could, the simulated time moves to the next instant that one of them waits for.
"""

from __future__ import annotations

import heapq
import random
from bisect import insort
from collections.abc import Callable
from enum import Enum

from greenlet import getcurrent, greenlet

from engine.simulation.connection import ProcessKilled


class Livelock(Exception):
    """Tasks go on for ever without getting anywhere."""


class Group:
    """Tasks that live and die together: those of one process. Without a group, a task lives by itself.

    Args:
        name: Who they are.
        on_death: Called when they are dead.
    """

    def __init__(self, name: str, on_death: Callable[[], None] = lambda: None) -> None:
        self.name = name
        self.on_death = on_death
        self.is_dead = False
        self.frozen_until_s = 0.0


class _State(Enum):
    READY = "ready"
    WAITING = "waiting"
    FROZEN = "frozen"
    DONE = "done"


class Task:
    """One thread of the simulation.

    Args:
        order: Its number; older ones have smaller ones.
        name: What it does, for people.
        group: The process that it belongs to.
        light: What carries it out.
    """

    __slots__ = ("group", "joiners", "light", "name", "order", "state", "waits", "was_woken")

    def __init__(self, order: int, name: str, group: Group | None, light: greenlet) -> None:
        self.order = order
        self.name = name
        self.group = group
        self.light = light
        self.state = _State.READY
        self.waits = 0
        self.was_woken = False
        self.joiners: list[Task] = []

    @property
    def is_done(self) -> bool:
        """Whether it came to its end."""
        return self.state is _State.DONE

    @property
    def is_condemned(self) -> bool:
        """Whether its process was killed."""
        return self.group is not None and self.group.is_dead


def _order(task: Task) -> int:
    return task.order


class Scheduler:
    """Runs tasks one at a time.

    Args:
        chance: Decides who goes next.
        most_steps: After how many changes from task to task a `Livelock` is raised.
    """

    def __init__(self, chance: random.Random, *, most_steps: int) -> None:
        self.now_s = 0.0
        self.steps = 0
        self.crashes: list[tuple[Task, BaseException]] = []
        self._chance = chance
        self._most_steps = most_steps
        self._hub = getcurrent()
        self._current: Task | None = None
        # By number, so in their order.
        self._tasks: dict[int, Task] = {}
        self._has_condemned = False
        self._is_closed = False
        self._ready: list[Task] = []
        # When, which task, and the number of the wait that it ends.
        self._alarms: list[tuple[float, int, int, Task]] = []
        self._started = 0

    # For everybody.

    def start(self, body: Callable[[], None], *, name: str, group: Group | None = None) -> Task:
        """Add a task, which begins soon."""
        self._started += 1
        task: Task = Task(self._started, name, group, greenlet(lambda: self._work(task, body), self._hub))
        self._tasks[task.order] = task
        insort(self._ready, task, key=_order)
        return task

    def wake(self, task: Task) -> None:
        """End a task's wait."""
        if task.state is _State.WAITING:
            task.was_woken = True
            self._make_ready(task)

    def kill(self, group: Group) -> None:
        """End all tasks of a process where they are; the calling one at its next wait, or by what its caller raises."""
        group.is_dead = True
        self._has_condemned = True

    # For the running task.

    @property
    def current(self) -> Task:
        """The task that runs."""
        assert self._current is not None, "no task runs"
        return self._current

    @property
    def is_condemned(self) -> bool:
        """Whether the running task's process was killed: it unwinds, and must not wait."""
        return self._current is not None and self._current.is_condemned

    def block(self, timeout_s: float | None) -> bool:
        """Wait until somebody wakes the running task, or the time is over; tell whether somebody did.

        Raises:
            ProcessKilled: If the task's process was killed.
        """
        task = self.current
        task.state = _State.WAITING
        task.was_woken = False
        task.waits += 1
        if timeout_s is not None:
            heapq.heappush(self._alarms, (self.now_s + max(0.0, timeout_s), task.order, task.waits, task))
        self._leave()
        return task.was_woken

    def sleep(self, seconds: float) -> None:
        """Wait."""
        until = self.now_s + seconds
        while self.now_s < until:
            self.block(until - self.now_s)

    def pause(self) -> None:
        """Let others go first, if the scheduler likes."""
        task = self.current
        self._make_ready(task)
        self._leave()

    # For whoever drives.

    def run(self, *, until: Callable[[], bool], until_s: float) -> bool:
        """Let tasks run until something holds, checked whenever a task stops; tell whether it came to hold.

        Args:
            until: What to wait for.
            until_s: How long at most, as an instant of the simulated time.

        Raises:
            Livelock: If that takes too many steps.
        """
        while not until():
            if self._has_condemned:
                self._bury()
            if not self._ready and not self._pass_time(until_s):
                return False
            index = int(self._chance.random() * len(self._ready))
            self._resume(self._ready.pop(index))
            self.steps += 1
            if self.steps > self._most_steps:
                raise Livelock(f"{self.steps} steps, and {self.now_s:.3f} s passed")
        return True

    def close(self) -> None:
        """End every task."""
        self._is_closed = True
        for task in self._tasks.values():
            task.group = task.group or Group("outside")
            task.group.is_dead = True
        self._bury()

    def waiting(self, group: Group) -> list[str]:
        """Return the names of a process's tasks that have not ended."""
        return [task.name for task in self._tasks.values() if task.group is group]

    def _work(self, task: Task, body: Callable[[], None]) -> None:
        try:
            body()
        except ProcessKilled as error:
            if not task.is_condemned:
                self.crashes.append((task, error))
        except BaseException as error:  # noqa: BLE001  # nobody else would hear of it; the driver does
            self.crashes.append((task, error))

    def _leave(self) -> None:
        task = self.current
        if task.is_condemned:
            # It unwinds already: what it meets on its way out cannot be waited for.
            self._forget(task)
            raise ProcessKilled
        self._hub.switch()

    def _resume(self, task: Task) -> None:
        group = task.group
        if group is not None and group.frozen_until_s > self.now_s:
            task.state = _State.FROZEN
            task.waits += 1
            heapq.heappush(self._alarms, (group.frozen_until_s, task.order, task.waits, task))
            return
        self._current = task
        task.light.switch()
        self._current = None
        if task.light.dead:
            self._end(task)

    def _unwind(self, task: Task) -> None:
        self._current = task
        if task.light:
            task.light.throw(ProcessKilled)
        self._current = None
        self._end(task)

    def _end(self, task: Task) -> None:
        task.state = _State.DONE
        task.waits += 1
        del self._tasks[task.order]
        for joiner in task.joiners:
            self.wake(joiner)

    def _make_ready(self, task: Task) -> None:
        task.state = _State.READY
        task.waits += 1
        insort(self._ready, task, key=_order)

    def _forget(self, task: Task) -> None:
        task.state = _State.WAITING
        task.waits += 1
        if task in self._ready:
            self._ready.remove(task)

    def _pass_time(self, until_s: float) -> bool:
        while self._alarms and self._alarms[0][2] != self._alarms[0][3].waits:
            heapq.heappop(self._alarms)
        if not self._alarms or self._alarms[0][0] > until_s:
            return False
        self.now_s = max(self.now_s, self._alarms[0][0])
        while self._alarms and self._alarms[0][0] <= self.now_s:
            _, _, wait, task = heapq.heappop(self._alarms)
            if wait == task.waits:
                self._make_ready(task)
        return True

    def _bury(self) -> None:
        """Unwind the tasks of processes that were killed."""
        self._has_condemned = False
        dead = []
        for task in [task for task in self._tasks.values() if task.is_condemned]:
            if task.group not in dead:
                dead.append(task.group)
            if not task.is_done:
                self._forget(task)
                self._unwind(task)
        for group in dead:
            if group is not None and not self._is_closed:
                group.on_death()
