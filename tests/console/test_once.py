"""Making once what several readers need at one moment."""

from __future__ import annotations

from itertools import count

from console.once import made_once, once


def test_it_is_made_once_for_all_that_are_made_together() -> None:
    numbers = count()

    with made_once():
        assert [once("key", lambda: next(numbers)) for _ in range(3)] == [0, 0, 0]


def test_other_things_are_made_on_their_own() -> None:
    with made_once():
        assert (once("one", lambda: 1), once("other", lambda: 2), once("none", lambda: None)) == (1, 2, None)


def test_nothing_is_kept_for_those_who_come_later_nor_without_company() -> None:
    numbers = count()

    for _ in range(2):
        with made_once():
            once("key", lambda: next(numbers))

    assert [once("key", lambda: next(numbers)) for _ in range(2)] == [2, 3]
