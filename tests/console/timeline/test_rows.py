"""Which rows there are, for trees made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from console.timeline.rows import FEW_ROWS, key_of, opened_by_itself, rows_of
from console.timeline.tree import FOLDED_FROM, DelayNode, Group, Node, Tree

ROOT = "E_00000000000000000000000001"
MANY = FOLDED_FROM + 10


def node(suffix: str = "", *, ffqn: str = "t:p/api.call", at: int = 0, result: str | None = "ok") -> Node:
    parent = None if not suffix else ROOT + suffix.rpartition(".")[0]
    return Node(
        execution_id=ROOT + suffix,
        parent_id=parent,
        ffqn=ffqn,
        component_type="activity",
        created_at=at,
        due_at=at + 10,
        result_kind=result,
        failures=0,
        events=3,
        responses=0,
    )


def tree(*nodes: Node, delays: Sequence[DelayNode] = (), requests: dict[str, int] | None = None) -> Tree:
    return Tree(root=node(), nodes=nodes, delays=delays, requests=requests or {}, is_cut=False, end=1000)


def delay(number: int) -> DelayNode:
    return DelayNode(f"Delay_{ROOT[2:]}.n:d_{number}", ROOT, "n:d", 100 + number, at_version=5)


def shown(tree: Tree, *opened: str) -> list[tuple[int, str]]:
    return [(row.depth, row.key) for row in rows_of(tree, set(opened))]


def test_a_closed_row_hides_what_is_below() -> None:
    assert shown(tree(node(".n:a_1"))) == [(0, ".")]


def test_an_open_row_shows_requests_then_children_then_delays() -> None:
    one = tree(node(".n:a_1"), node(".n:a_1.n:b_1"), delays=[delay(1)], requests={ROOT: 2})

    assert shown(one, ".") == [(0, "."), (1, ".!"), (1, ".n:a_1"), (1, "~.n:d_1")]
    assert (2, ".n:a_1.n:b_1") in shown(one, ".", ".n:a_1")


def test_siblings_stand_in_the_order_of_submission() -> None:
    siblings = [node(f".n:a_{number}", at=7) for number in (10, 2, 1)] + [node(".n:z_1", at=3)]

    assert [key for _, key in shown(tree(*siblings), ".")][1:] == [".n:z_1", ".n:a_1", ".n:a_2", ".n:a_10"]


def test_a_large_family_is_one_row_with_the_first_that_failed() -> None:
    family = [node(f".n:a_{n}", at=n, result="error" if n % 2 else "ok") for n in range(MANY)]
    other = node(".n:b_1", ffqn="t:p/api.other", at=MANY)
    one = tree(*family, other)

    closed = shown(one, ".")

    group = ".*t:p/api.call"
    assert closed[:3] == [(0, "."), (1, group), (2, ".n:a_1")]
    assert len(closed) == 2 + 5 + 1
    assert closed[-1] == (1, ".n:b_1")
    assert len(shown(one, ".", group)) == 2 + MANY + 1


def test_many_delays_are_one_row() -> None:
    one = tree(delays=[delay(number) for number in range(MANY)])

    (_, (_, key)) = shown(one, ".")

    assert len(shown(one, ".", key)) == 2 + MANY


def test_few_rows_open_by_themselves() -> None:
    one = tree(node(".n:a_1"), node(".n:a_1.n:b_1"), node(".n:a_1.n:b_1.n:c_1"))

    assert opened_by_itself(one, ()) == {".", ".n:a_1", ".n:a_1.n:b_1"}


def test_many_rows_stay_closed_below_the_first_level() -> None:
    parents = [node(f".n:a_{number}") for number in range(FEW_ROWS // 2)]
    below = [node(f".n:a_{number}.n:b_{each}") for number in range(FEW_ROWS // 2) for each in range(3)]

    assert opened_by_itself(tree(*parents, *below), ()) == {"."}


def test_what_was_open_stays_open_as_the_tree_grows() -> None:
    parents = [node(f".n:a_{number}") for number in range(FEW_ROWS // 2)]
    below = [node(f".n:a_{number}.n:b_{each}") for number in range(FEW_ROWS // 2) for each in range(3)]

    assert opened_by_itself(tree(*parents, *below), {".n:a_1"}) == {".", ".n:a_1"}


def test_a_key_is_what_the_id_adds() -> None:
    assert [key_of(tree(), each) for each in (node(), node(".n:a_1"))] == [".", ".n:a_1"]


def test_the_size_of_a_tree_counts_events_and_responses() -> None:
    assert tree(node(".n:a_1")).size == 6


def test_a_group_knows_its_failures() -> None:
    family = [node(f".n:a_{n}", at=n, result="error") for n in range(MANY)]

    (group,) = tree(*family).children_of(ROOT)

    assert isinstance(group, Group)
    assert (group.crowd.bad, len(group.failed)) == (MANY, 5)
