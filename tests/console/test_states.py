from __future__ import annotations

from datetime import timedelta

import pytest

from console.states import ALL, shown_state
from executions.models import Execution
from tests.builders import NOW

LATER = NOW + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"status": "pending_at", "due_at": LATER}, "Scheduled"),
        ({"status": "pending_at"}, "Pending"),
        ({"status": "pending_at", "due_at": LATER, "temporary_failures": 1}, "Retrying"),
        ({"status": "locked", "due_at": LATER}, "Running"),
        ({"status": "locked"}, "Lock expired"),
        ({"status": "blocked_by_join_set"}, "Blocked"),
        ({"status": "blocked_by_join_set", "lifecycle": "paused"}, "Paused"),
        ({"status": "locked", "lifecycle": "cancelling"}, "Cancelling"),
        ({"status": "finished", "result_kind": "ok"}, "OK"),
        ({"status": "finished", "result_kind": "error"}, "Error"),
        ({"status": "finished", "result_kind": "timed_out"}, "Failed"),
        ({"status": "finished", "result_kind": "cancelled"}, "Cancelled"),
    ],
)
def test_each_state_has_its_word(columns: dict[str, object], word: str) -> None:
    row = Execution(**{"lifecycle": "active", "due_at": NOW, "temporary_failures": 0, **columns})

    assert shown_state(row, NOW).word == word


def test_no_two_states_look_the_same() -> None:
    assert len({state.key for state in ALL}) == len({state.word for state in ALL}) == len(ALL)
    assert len({state.icon for state in ALL}) == len(ALL), "colour only repeats what icon and word say"
