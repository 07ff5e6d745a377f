"""What the databases of old versions hold: executions of every kind, finished and not, by story."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from engine.log.ids import ExecutionId
from tests.builders import make_execution_id
from tests.harness import steps as s
from tests.harness.components import ADD, ASK, ASK_AND_WAIT, PROBE, RUN, RUN_CANCELLABLE


class When(Enum):
    """When a story's execution is submitted, and how far it gets in its old version."""

    FINISHES = auto()
    """Before the executor is killed, which waits until it has ended."""
    WAITS = auto()
    """Before the executor is killed, which waits until it is blocked or backs off."""
    IS_HELD = auto()
    """Just before the executor is killed, which holds its lock then."""
    NEVER_RAN = auto()
    """After the executor is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One execution.

    Args:
        number: Which id it has.
        when: How far it gets.
        ffqn: The function.
        params: Its parameters.
    """

    number: int
    when: When
    ffqn: str
    params: list[Any]

    @property
    def execution_id(self) -> ExecutionId:
        """Its id."""
        return make_execution_id(self.number)


_FAMILY = (
    s.create(),
    s.submit(0, "add", 1, 2),
    s.submit(0, "fail-string", "no"),
    s.submit_delay(0, s.after_ms(20)),
    *[s.join_next(0)] * 3,
    s.random_u64(3, 1000),
    s.random_string(4, 9),
    s.generate_id(),
    s.typed_call(3, 4),
    s.call("no-such-function"),
    s.schedule(s.of_step(9), s.NOW, "add", 7, 8),
)
_SLEEPS_THEN_ADDS = (
    s.create(),
    s.submit(0, "add", 1, 2),
    s.join_next(0),
    s.sleep(s.after_ms(40_000)),
    s.typed_call(3, 4),
)

STORIES: Final = (
    Story(number=1, when=When.FINISHES, ffqn=ADD, params=[1, 2]),
    Story(number=2, when=When.FINISHES, ffqn=f"{PROBE}.nothing", params=[]),
    Story(number=3, when=When.FINISHES, ffqn=f"{PROBE}.fail-variant", params=[True]),
    Story(number=4, when=When.FINISHES, ffqn=RUN, params=s.params_of(_FAMILY)),
    Story(number=5, when=When.FINISHES, ffqn=ASK, params=["q"]),
    Story(number=6, when=When.FINISHES, ffqn=RUN, params=s.params_of((s.create("a"), s.panic()))),
    Story(number=11, when=When.WAITS, ffqn=RUN, params=s.params_of(_SLEEPS_THEN_ADDS)),
    Story(number=12, when=When.WAITS, ffqn=ASK_AND_WAIT, params=["q"]),
    Story(number=13, when=When.WAITS, ffqn=f"{PROBE}.fail-variant", params=[False]),
    Story(
        number=14,
        when=When.WAITS,
        ffqn=RUN_CANCELLABLE,
        params=s.params_of((s.create(), s.submit_delay(0, s.after_ms(40_000)), s.join_next(0))),
    ),
    Story(number=21, when=When.IS_HELD, ffqn=RUN, params=s.params_of([s.call("work", 30_000_000)] * 60)),
    Story(number=31, when=When.NEVER_RAN, ffqn=ADD, params=[40, 2]),
    Story(number=32, when=When.NEVER_RAN, ffqn=RUN, params=s.params_of(_FAMILY)),
)
