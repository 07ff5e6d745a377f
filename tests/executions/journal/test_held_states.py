"""What this process wrote last of what it has locked is taken for the present state, and found out where it is not."""

from __future__ import annotations

import pytest

from engine.errors import VersionConflict
from engine.journal.ledger import fold_new
from engine.log.ids import Version
from engine.log.state import ExecutionState
from executions.journal.held_states import HeldStates
from executions.journal.journal import SqlJournal
from tests.builders import (
    NOW,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_execution,
    make_execution_id,
    make_finished,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import assert_state_is_folded, commit, refusal

E1, E2 = make_execution_id(1), make_execution_id(2)


def make_held(number: int = 1) -> ExecutionState:
    return fold_new(make_execution(make_execution_id(number), make_created(), make_locked()))


def test_states_are_known_while_they_are_locked() -> None:
    held = HeldStates()
    state = make_held()
    append = make_append(E1, make_finished(), expected=2)

    held.keep([state])
    assert held.look_up([append]) == {E1: state}

    held.keep([fold_new(make_execution(E1, make_created(), make_locked(), make_finished()))])
    assert held.look_up([append]) is None


def test_nothing_is_guessed_unless_all_of_it_can_be() -> None:
    held = HeldStates()
    held.keep([make_held()])
    ours = make_append(E1, make_finished(), expected=2)

    assert held.look_up([ours, make_append(E2, make_finished(), expected=2)]) is None
    assert held.look_up([ours, make_submit(E2)]) is None
    assert held.look_up([]) is None


def test_states_are_read_for_a_while_after_a_wrong_guess() -> None:
    held = HeldStates()
    append = make_append(E1, make_finished(), expected=2)

    held.distrust()
    held.keep([make_held()])
    answers = [held.look_up([append]) for _ in range(100)]

    assert answers[0] is None
    assert answers[-1] is not None


@pytest.mark.usefixtures("either_database")
@pytest.mark.django_db(transaction=True)
class TestOnADatabase:
    """Two journals with connections of their own, as two processes have them."""

    def test_a_response_from_elsewhere_is_not_overwritten(self, journals: tuple[SqlJournal, SqlJournal]) -> None:
        ours, theirs = journals
        commit(ours, make_submit(E1, make_created(), make_locked()))
        commit(ours, make_append(E1, make_child_request(E1), expected=2, created=[make_child(E1), make_child(E1, 2)]))
        commit(theirs, make_child_end(E1))

        begun = ours.begin_commit([make_append(E1, make_child_request(E1, 3), expected=3)], now=NOW)
        (committed,) = begun.finish().outcomes

        assert committed.response_count == 1  # type: ignore[union-attr]  # it is no refusal
        assert_state_is_folded(ours, E1)

    def test_a_write_is_refused_for_what_others_wrote(self, journals: tuple[SqlJournal, SqlJournal]) -> None:
        ours, theirs = journals
        commit(ours, make_submit(E1, make_created(), make_locked()))
        commit(theirs, make_append(E1, make_child_request(E1), expected=2, created=[make_child(E1)]))

        conflict = refusal(ours, make_append(E1, make_child_request(E1, 2), expected=2), VersionConflict)

        assert conflict.actual == Version(3)
        assert_state_is_folded(ours, E1)

    def test_nothing_is_refused_for_what_others_changed_since(self, journals: tuple[SqlJournal, SqlJournal]) -> None:
        ours, theirs = journals
        commit(ours, make_submit(E1, make_created(), make_locked()))
        commit(theirs, make_append(E1, make_child_request(E1), expected=2, created=[make_child(E1)]))

        commit(ours, make_append(E1, make_child_request(E1, 2), expected=3, created=[make_child(E1, 2)]))

        assert_state_is_folded(ours, E1)

    def test_many_states_are_guessed_together(self, journals: tuple[SqlJournal, SqlJournal]) -> None:
        ours, theirs = journals
        commit(ours, make_submit(E1, make_created(), make_locked()), make_submit(E2, make_created(), make_locked()))

        commit(ours, *(make_append(each, make_finished(), expected=2) for each in (E2, E1)))

        for each in (E1, E2):
            assert theirs.state_of(each).is_finished
            assert_state_is_folded(theirs, each)
