"""Killing workflows everywhere, and replaying what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from obelisk import ChildError
from obelisk.testing import CRASH, TIMED_OUT, ReplayDiffers, Sandbox, Stuck
from tests.obelisk.testing.files import import_files
from tests.obelisk.testing.trips import (
    SoldOut,
    Trip,
    approve,
    approved,
    book_hotel,
    either,
    invent,
    order,
    quote,
    quotes,
    tour,
)

ROME = Trip("Rome")

# --- check_replay -----------------------------------------------------------------------------------------------------


def test_a_workflow_killed_anywhere_comes_to_the_same(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, "ref-1", "ref-2")

    assert sandbox.check_replay(tour, ["Rome", "Oslo"]) == ["ref-1", "ref-2"]


def test_clock_and_randomness_come_to_the_same(sandbox: Sandbox) -> None:
    assert len(sandbox.check_replay(invent, "Rome")) == 4


def test_children_at_once_lost_attempts_and_children_of_children_come_to_the_same(sandbox: Sandbox) -> None:
    sandbox.fake(quote, TIMED_OUT, CRASH, 1, 2, 3)
    assert sandbox.check_replay(quotes, ["Rome", "Oslo", "Rio"]) == [2, 3, 1]  # Rome's first attempts got lost

    sandbox.fake(approve, True)
    sandbox.fake(order, 90)
    sandbox.check_replay(either, ROME)


def test_the_test_sees_nothing_of_the_check(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, "ref-1", "ref-2")
    run = sandbox.start(tour, ["Rome"])
    sandbox.check_replay(tour, ["Rome", "Oslo"])

    assert run.result() == ["ref-1"]


def test_a_workflow_that_fails_is_no_check(sandbox: Sandbox) -> None:
    sandbox.fake(book_hotel, SoldOut("Rome"))
    with pytest.raises(ChildError, match=r"SoldOut"):
        sandbox.check_replay(tour, ["Rome"])

    with pytest.raises(Stuck, match=r"^order waits for the stub approve"):
        sandbox.check_replay(order, ROME)


def test_what_depends_on_more_than_the_log_is_found(sandbox: Sandbox, tmp_path: Path) -> None:
    # An activity's module may be kept from call to call; what it remembers is not in the log.
    wayward = import_files(
        tmp_path,
        wayward="""
            from obelisk import activity, workflow
            PACKAGE = "acme:wayward"
            seen: list[str] = []
            @activity
            def remember(city: str) -> int:
                seen.append(city)
                return len(seen)
            @workflow
            def count(cities: list[str]) -> list[int]:
                return [remember(city) for city in cities]
        """,
    )

    with pytest.raises(ReplayDiffers, match=r"^count, killed after write \d+, ended with .*1.*, not .*1.*2"):
        sandbox.check_replay(wayward.count, ["Rome", "Oslo"])


# --- save and replay --------------------------------------------------------------------------------------------------

BEFORE = """
    from datetime import timedelta
    from obelisk import activity, sleep, workflow
    PACKAGE = "acme:changing"
    @activity
    def quote(city: str) -> int:
        return len(city)
    @workflow
    def flow(city: str) -> int:
        price = quote(city)
        sleep(timedelta(hours=1))
        return price
"""


def recorded(sandbox: Sandbox, folder: Path, text: str = BEFORE, *, is_over: bool = True) -> Path:
    run = sandbox.start(import_files(folder / "before", changing=text).flow, "Rome")
    if is_over:
        run.result()
    run.save(folder / "flow.json")
    return folder / "flow.json"


@pytest.fixture
def later() -> Iterator[Sandbox]:
    """Another test, on another day."""
    made = Sandbox()
    yield made
    made.close()


def change(folder: Path, *replaced: tuple[str, str]) -> None:
    text = BEFORE
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    import_files(folder / "after", changing=text)


@pytest.mark.parametrize("is_over", [True, False])
def test_a_log_replays_with_todays_file(sandbox: Sandbox, later: Sandbox, tmp_path: Path, is_over: bool) -> None:
    path = recorded(sandbox, tmp_path, is_over=is_over)
    change(tmp_path, ("return len(city)", "return 0"))

    later.replay(path)


@pytest.mark.parametrize("is_over", [True, False])
def test_a_log_that_the_file_does_not_follow_is_found(
    sandbox: Sandbox, later: Sandbox, tmp_path: Path, is_over: bool
) -> None:
    path = recorded(sandbox, tmp_path, is_over=is_over)
    change(tmp_path, ("quote(city)", 'quote("Oslo")'))

    with pytest.raises(ReplayDiffers, match=r"flow.json: flow does not follow its log: .*Oslo.*Rome"):
        later.replay(path)


def test_a_log_that_ends_otherwise_is_found(sandbox: Sandbox, later: Sandbox, tmp_path: Path) -> None:
    path = recorded(sandbox, tmp_path)
    change(tmp_path, ("return price", "return price + 1"))

    with pytest.raises(ReplayDiffers, match=r"flow.json: flow ended with .*4.*, and now with .*5"):
        later.replay(path)


def test_child_workflows_are_replayed_too(sandbox: Sandbox, tmp_path: Path) -> None:
    run = sandbox.start(either, ROME)
    run.answer(approve, True)
    run.answer(approve, False)
    run.result()
    run.save(str(tmp_path / "either.json"))

    sandbox.replay(str(tmp_path / "either.json"))


def test_a_log_of_nobody_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    run = sandbox.start(approved, ROME)
    run.advance(timedelta(hours=1))
    run.save(tmp_path / "log.json")
    document = (tmp_path / "log.json").read_text()
    (tmp_path / "log.json").write_text(document.replace("acme:trips", "acme:others"))
    with pytest.raises(LookupError, match=r"log.json has a run of acme:others/workflows.approved, which no"):
        sandbox.replay(tmp_path / "log.json")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"target": "E_1", "executions": {"E_1": 3}}', '{"target": "", "executions": {}}']
)
def test_a_file_that_is_no_log_is_refused(sandbox: Sandbox, tmp_path: Path, text: str) -> None:
    (tmp_path / "log.json").write_text(text)

    with pytest.raises(ValueError, match=r"log.json is not a history that run.save\(\) wrote"):
        sandbox.replay(tmp_path / "log.json")
