"""Random workflows as data: what the guests of a simulation do, drawn from a seed.

A script is a list of steps, each a list of its name and its parameters, so that it travels as a workflow's parameter.
What an activity does is a script of one entry.
"""

from __future__ import annotations

import random
from typing import Any

Script = list[list[Any]]

WORK = "sim:pure/activity.work"
"""An activity that cannot touch the world."""
TOUCH = "sim:world/activity.touch"
"""One that can."""
RUN = "sim:flow/workflow.run"
RUN_CANCELLABLE = "sim:flow/workflow.run-cancellable"
GATE = "sim:gate/human.gate"
"""A stub, or a signal: answered from outside, or by the workflow itself."""

_DEEPEST = 2


class Author:
    """Writes scripts.

    Args:
        chance: Decides what they say.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._tags = 0

    def workflow(self, *, depth: int = 0) -> Script:
        """Return the script of a workflow.

        Args:
            depth: How many workflows wait for it.
        """
        return _Writing(self, self._chance, depth).script()

    def activity(self) -> dict[str, Any]:
        """Return what an activity does.

        ``tag`` is what it returns and names it; ``fail``: how many attempts return an error; ``trap``: how many of
        those die instead.
        """
        self._tags += 1
        fails = self._chance.choice((0, 0, 0, 0, 1, 2, 9))
        traps = self._chance.choice((0, 0, fails))
        return {"tag": f"t{self._tags}", "fail": fails, "trap": traps}


class _Writing:
    """One script under way."""

    def __init__(self, author: Author, chance: random.Random, depth: int) -> None:
        self._author = author
        self._chance = chance
        self._depth = depth
        self._steps: Script = []
        self._open: list[int] = []
        self._sets = 0
        self._gates: list[int] = []

    def script(self) -> Script:
        chance = self._chance
        length = chance.randint(1, 9 if self._depth == 0 else 4)
        while len(self._steps) < length:
            self._write()
        ending = chance.random()
        if ending < 0.04:
            self._steps.append(["trap"])
        elif ending < 0.1:
            self._steps.append(["fail", "gave up"])
        return self._steps

    def _write(self) -> None:
        chance = self._chance
        draw = chance.random()
        if draw < 0.25:
            self._steps.append(["call", *self._target()])
        elif draw < 0.32:
            self._steps.append(["sleep", chance.choice((0, 5, 200, 1500))])
        elif draw < 0.38:
            self._steps.append(["random", chance.choice((2, 1000))])
        elif draw < 0.44:
            self._steps.append(["compute"])
        elif draw < 0.48:
            self._steps.append(["schedule", chance.choice((WORK, TOUCH)), self._author.activity(), 300])
        elif self._gates and draw < 0.6:
            self._steps.append(["answer", self._gates.pop(), "inside"])
        elif not self._open or (draw < 0.6 and self._sets < 3):
            self._steps.append(["set", self._sets])
            self._open.append(self._sets)
            self._sets += 1
        elif draw < 0.8:
            self._submit(chance.choice(self._open))
        elif draw < 0.97:
            self._steps.append([chance.choice(("next", "next", "next", "try")), chance.choice(self._open)])
        else:
            self._steps.append(["close", self._open.pop()])

    def _submit(self, join_set: int) -> None:
        if self._chance.random() < 0.2:
            self._steps.append(["delay", join_set, self._chance.choice((0, 10, 400, 2500))])
            return
        for _ in range(self._chance.choice((1, 1, 2, 4))):
            target = self._target()
            if target[0] == GATE:
                self._gates.append(len(self._steps))
            self._steps.append(["submit", join_set, *target])

    def _target(self) -> list[Any]:
        draw = self._chance.random()
        if draw < 0.12 and self._depth < _DEEPEST:
            function = self._chance.choice((RUN, RUN_CANCELLABLE))
            return [function, self._author.workflow(depth=self._depth + 1)]
        if draw < 0.25:
            return [GATE, {"tag": "gate"}]
        return [WORK if draw < 0.7 else TOUCH, self._author.activity()]
