from __future__ import annotations

import threading
from itertools import count

from console.dashboard.kept import Kept


def test_a_value_is_made_once_for_each_key() -> None:
    numbers = count()
    kept: Kept[str, int] = Kept(lambda _: next(numbers), seconds=60)

    assert [kept.get("a"), kept.get("a"), kept.get("b"), kept.get("a")] == [0, 0, 1, 0]


def test_after_its_time_a_value_is_made_anew() -> None:
    numbers = count()
    kept: Kept[None, int] = Kept(lambda _: next(numbers), seconds=0)

    assert [kept.get(None), kept.get(None)] == [0, 1]


def test_who_asks_while_it_is_made_waits_for_that() -> None:
    began, go_on = threading.Event(), threading.Event()
    made = []

    def make(_: None) -> int:
        began.set()
        assert go_on.wait(10)
        made.append(1)
        return len(made)

    kept: Kept[None, int] = Kept(make, seconds=60)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(kept.get(None))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert began.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)

    assert answers == [1, 1, 1]
