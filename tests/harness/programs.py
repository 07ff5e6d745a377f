"""Random workflows, as lists of the stepper's steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.harness import steps as s
from tests.harness.components import STEPPER
from tests.harness.steps import Step

_PAST_S = 5
"""An instant that every clock of the tests shows as past, so that the outcome of a sleep does not depend on it."""

_MOST_JOIN_SETS = 3


class Kind(Enum):
    """What a join set is filled with. Members of one kind are alike, so their order of arrival makes no difference."""

    SUMS = "sums"
    REFUSALS = "refusals"
    FAILURES = "failures"
    DELAYS = "delays"
    WORKFLOWS = "workflows"
    NOTHING = "nothing"
    MIXED = "mixed"
    """Anything: whoever asks depends on the order."""


@dataclass
class _JoinSet:
    index: int
    kind: Kind
    submitted: int = 0
    consumed: int = 0
    is_closed: bool = False

    @property
    def open(self) -> int:
        return self.submitted - self.consumed


@st.composite
def programs(draw: DrawFn, *, max_steps: int = 14, is_ordered: bool = True) -> list[Step]:
    """Draw a workflow.

    Args:
        draw: Hypothesis's.
        max_steps: Most steps.
        is_ordered: Leave out what depends on the order or time in which responses arrive, so that every way to run the
            workflow gives the same outcomes.
    """
    return _Author(draw, is_ordered=is_ordered).write(draw(st.integers(1, max_steps)))


class _Author:
    def __init__(self, draw: DrawFn, *, is_ordered: bool) -> None:
        self._draw = draw
        self._is_ordered = is_ordered
        self._steps: list[Step] = []
        self._join_sets: list[_JoinSet] = []
        self._names: set[str] = set()
        self._named_by: dict[int, _JoinSet] = {}
        self._fresh_ids: list[int] = []

    def write(self, length: int) -> list[Step]:
        self._create()
        while len(self._steps) < length:
            self._write_one()
        ending = self._draw(st.sampled_from([None] * 7 + [s.fail("gave up"), s.panic(), s.return_early()]))
        if ending is not None:
            self._steps.append(ending)
        return self._steps

    def _write_one(self) -> None:
        choices = [self._values, self._call, self._schedule]
        if len(self._join_sets) < _MOST_JOIN_SETS:
            choices.append(self._create)
        if self._open_join_sets():
            choices += [*[self._submit] * 5, *[self._join] * 5, self._close]
        if self._named_by:
            choices.append(self._look_back)
        self._draw(st.sampled_from(choices))()

    def _open_join_sets(self) -> list[_JoinSet]:
        return [join_set for join_set in self._join_sets if not join_set.is_closed]

    def _pick(self) -> _JoinSet:
        return self._draw(st.sampled_from(self._open_join_sets()))

    def _create(self) -> None:
        name = self._draw(st.sampled_from([None, None, "a", "b-1/x", "", "not_valid"]))
        self._steps.append(s.create(name))
        if name is not None and (name in self._names or "_" in name):
            return
        if name is not None:
            self._names.add(name)
        kinds = [kind for kind in Kind if kind is not Kind.MIXED] if self._is_ordered else [Kind.MIXED]
        self._join_sets.append(_JoinSet(len(self._join_sets), self._draw(st.sampled_from(kinds))))

    def _values(self) -> None:
        low = self._draw(st.sampled_from([0, 7, 2**64 - 2]))
        step = self._draw(
            st.sampled_from(
                [
                    s.random_u64(low, low + 1),
                    s.random_u64_inclusive(low, 2**64 - 1),
                    s.random_u64_inclusive(low, low),
                    s.random_string(0, 9),
                    s.current_id(),
                    s.generate_id(),
                    s.last_direct_call_id(),
                    s.last_oneoff_id(),
                    s.sleep(s.at_s(_PAST_S), "nap"),
                    s.log("info", "hello"),
                ]
            )
        )
        if step == s.generate_id():
            self._fresh_ids.append(len(self._steps))
        self._steps.append(step)

    def _call(self) -> None:
        self._steps.append(
            self._draw(
                st.sampled_from(
                    [
                        s.call("add", 1, 2),
                        s.typed_call(3, 4),
                        s.typed_call(2**32 - 1, 1),
                        s.call("nothing"),
                        s.call("fail-string", "no"),
                        s.call("fail-variant", True),
                        s.call("panic"),
                        s.call("add", "one"),
                        s.call("no-such-function"),
                        s.call("nested", 2, 7, interface=STEPPER),
                    ]
                )
            )
        )

    def _schedule(self) -> None:
        at = self._draw(st.sampled_from([s.NOW, s.after_ms(3), s.at_s(_PAST_S)]))
        if self._fresh_ids:
            self._steps.append(s.schedule(s.of_step(self._fresh_ids.pop()), at, "add", 1, 2))
        else:
            self._steps.append(s.typed_schedule(at, 1, 2))

    def _submit(self) -> None:
        join_set = self._pick()
        index = join_set.index
        kind = join_set.kind
        if kind is Kind.MIXED:
            kind = self._draw(st.sampled_from([Kind.SUMS, Kind.DELAYS, Kind.WORKFLOWS, Kind.FAILURES]))
        options: list[Step]
        match kind:
            case Kind.SUMS:
                options = [s.submit(index, "add", 1, 1), s.typed_submit(index, 1, 1)]
            case Kind.REFUSALS:
                options = [s.submit(index, "fail-variant", True)]
            case Kind.FAILURES:
                options = [s.submit(index, "fail-unit"), s.submit(index, "panic")]
            case Kind.DELAYS:
                options = [s.submit_delay(index, at) for at in (s.NOW, s.after_ms(20), s.at_s(_PAST_S))]
            case Kind.WORKFLOWS:
                options = [s.submit(index, "nested", 1, 5, interface=STEPPER)]
            case Kind.NOTHING:
                options = [s.submit(index, "add", "one"), s.submit(index, "no-such-function")]
            case Kind.MIXED:
                raise AssertionError("drawn from the others")
        if kind is not Kind.NOTHING:
            join_set.submitted += 1
            if kind is not Kind.DELAYS:
                self._named_by[len(self._steps)] = join_set
        self._steps.append(self._draw(st.sampled_from(options)))

    def _join(self) -> None:
        join_set = self._pick()
        options = [*[s.join_next(join_set.index)] * 3, s.join_set_id(join_set.index)]
        if join_set.open == 0 or not self._is_ordered:
            options.append(s.join_next_try(join_set.index))
        if join_set.kind is Kind.SUMS or not self._is_ordered:
            options.append(s.typed_await_next(join_set.index))
        if join_set.submitted <= 1 or not self._is_ordered:
            options.append(s.join_set_last_id(join_set.index))
        step = self._draw(st.sampled_from(options))
        if step in (s.join_next(join_set.index), s.typed_await_next(join_set.index)) and join_set.open:
            join_set.consumed += 1
        self._steps.append(step)

    def _look_back(self) -> None:
        number, join_set = self._draw(st.sampled_from(sorted(self._named_by.items(), key=lambda item: item[0])))
        if self._is_ordered and (join_set.is_closed or 0 < join_set.consumed < join_set.submitted):
            return
        look = self._draw(st.sampled_from([s.get_result, s.failure_kind, s.typed_get]))
        self._steps.append(look(s.of_step(number)))

    def _close(self) -> None:
        join_set = self._pick()
        join_set.is_closed = True
        self._steps.append(self._draw(st.sampled_from([s.close, s.drop]))(join_set.index))


def ordered_programs() -> SearchStrategy[list[Step]]:
    """Workflows whose outcomes are the same however they are run."""
    return programs(is_ordered=True)


def unordered_programs() -> SearchStrategy[list[Step]]:
    """Workflows whose outcomes depend on what arrives first."""
    return programs(is_ordered=False)
