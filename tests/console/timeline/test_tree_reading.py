from __future__ import annotations

import pytest

from console.timeline import tree_reading
from console.timeline.tree_reading import read_tree, size_of
from engine.log import events as e
from executions.instants import to_micros
from executions.journal.journal import SqlJournal
from tests.builders import (
    JOIN_SET,
    NOW,
    make_append,
    make_child,
    make_child_end,
    make_child_request,
    make_created,
    make_execution_id,
    make_locked,
    make_submit,
)
from tests.engine.journal.commits import commit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_database")]

E1, E2 = make_execution_id(1), make_execution_id(2)


@pytest.fixture(autouse=True)
def trees() -> None:
    journal = SqlJournal.for_current_connection()
    for root in (E1, E2):
        commit(journal, make_submit(root, make_created(), make_locked(), e.JoinSetCreated(join_set_id=JOIN_SET)))
        requests = [make_child_request(root, number) for number in (1, 2, 3)]
        children = [make_child(root, number) for number in (1, 2, 3)]
        commit(journal, make_append(root, *requests, expected=3, created=children))
    commit(journal, make_child_end(E1, 2))


def test_a_tree_holds_its_own_descendants_alone() -> None:
    tree = read_tree(E1, to_micros(NOW))

    assert [node.execution_id for node in tree.nodes] == [f"{E1}.n:work_{number}" for number in (1, 2, 3)]
    assert [node.end for node in tree.nodes] == [None, to_micros(NOW), None]
    assert tree.over_since is None


def test_the_size_is_told_without_reading_the_tree() -> None:
    assert size_of(E1) == read_tree(E1, to_micros(NOW)).size == size_of(E2) + 2


def test_of_a_very_large_tree_the_first_part_is_read_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_reading, "MOST_NODES", 2)

    tree = read_tree(E1, to_micros(NOW))

    assert (len(tree.nodes), tree.is_cut) == (2, True)
