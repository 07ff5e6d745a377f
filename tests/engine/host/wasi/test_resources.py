from __future__ import annotations

import pytest

from engine.errors import Trap
from engine.host.wasi.resources import MOST, ResourceTable


def test_a_resource_is_found_by_its_number_until_it_is_given_away() -> None:
    table = ResourceTable()
    number = table.add("a")

    assert table.get(number, str) == "a"
    assert table.take(number, str) == "a"
    with pytest.raises(Trap, match=f"handle {number} is no str"):
        table.get(number, str)


def test_a_number_means_one_kind_of_resource() -> None:
    table = ResourceTable()

    with pytest.raises(Trap, match="is no int"):
        table.get(table.add("a"), int)


def test_numbers_are_not_given_twice() -> None:
    table = ResourceTable()
    first = table.add("a")
    table.drop(first)

    assert table.add("b") != first


def test_a_resource_is_not_given_away_before_its_children_are_dropped() -> None:
    table = ResourceTable()
    parent = table.add("parent")
    child = table.add(1, parent=parent)

    with pytest.raises(Trap, match="before what was made from it"):
        table.take(parent, str)
    table.drop(child)

    assert table.take(parent, str) == "parent"


def test_a_child_may_outlive_its_parent() -> None:
    table = ResourceTable()
    parent = table.add("parent")
    child = table.add(1, parent=parent)
    table.drop(parent)

    assert table.drop(child) == 1
    assert table.drop(child) is None


def test_a_run_holds_only_so_many() -> None:
    table = ResourceTable()
    for _ in range(MOST):
        table.add("x")

    with pytest.raises(Trap, match=f"{MOST} resources"):
        table.add("x")
