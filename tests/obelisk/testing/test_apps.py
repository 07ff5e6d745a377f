"""Which files a test runs, and what is said of those that cannot be run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.guests.python.describe import SourceRefused
from obelisk import workflow
from obelisk.testing import Sandbox
from tests.obelisk.testing.files import import_files

MAIN = """
    from obelisk import activity, workflow
    from prices_nearby import double, quote
    PACKAGE = "acme:main"
    @workflow
    def flow(city: str) -> int:
        return double(quote(city))
"""
PRICES = """
    import rates_nearby
    from obelisk import activity
    @activity
    def quote(city: str) -> int:
        return len(city) * rates_nearby.RATE
    def double(price: int) -> int:
        return price * 2
"""


def import_three(folder: Path) -> tuple[Any, Any]:
    """Return the main file and the one that it imports."""
    import_files(folder, rates_nearby="RATE = 10")
    prices = import_files(folder, prices_nearby=PRICES)
    return import_files(folder, main=MAIN), prices


def test_files_nearby_that_a_file_imports_come_with_it(sandbox: Sandbox, tmp_path: Path) -> None:
    main, _ = import_three(tmp_path)

    assert sandbox.start(main.flow, "Rome").result() == 80


def test_functions_of_files_nearby_are_faked_as_well(sandbox: Sandbox, tmp_path: Path) -> None:
    main, prices = import_three(tmp_path)
    sandbox.fake(prices.quote, 1)

    run = sandbox.start(main.flow, "Rome")

    assert run.result() == 2
    assert run.calls(prices.quote) == [("Rome",)]


def test_two_files_may_play_together(sandbox: Sandbox, tmp_path: Path) -> None:
    other = import_files(
        tmp_path / "other",
        other="""
            from obelisk import activity
            PACKAGE = "acme:other"
            @activity
            def answer() -> int:
                return 42
        """,
    )
    main = import_files(
        tmp_path / "main",
        asker="""
            from obelisk import imported, workflow
            PACKAGE = "acme:asker"
            @imported("acme:other/activities.answer")
            def answer() -> int: ...
            @workflow
            def ask() -> int:
                return answer()
        """,
    )
    assert sandbox.start(other.answer).result() == 42

    assert sandbox.start(main.ask).result() == 42


def test_a_file_without_a_package_runs_too(sandbox: Sandbox, tmp_path: Path) -> None:
    module = import_files(
        tmp_path,
        no_package="""
            from obelisk import activity, workflow
            @activity
            def twice(n: int) -> int:
                return n * 2
            @workflow
            def flow(n: int) -> int:
                return twice(n)
        """,
    )

    assert sandbox.start(module.flow, 4).result() == 8


def test_a_file_that_could_not_be_deployed_says_why(sandbox: Sandbox, tmp_path: Path) -> None:
    module = import_files(
        tmp_path,
        unclear="""
            from obelisk import workflow
            PACKAGE = "acme:unclear"
            @workflow
            def flow(names):
                return None
            @workflow
            def good() -> None:
                return None
        """,
    )

    with pytest.raises(SourceRefused, match=r"unclear.py:5: flow: parameter 'names' has no type hint"):
        sandbox.start(module.good)


def test_a_function_of_no_file_is_refused(sandbox: Sandbox) -> None:
    scope: dict[str, object] = {}
    exec(compile("def typed() -> None: ...", "<prompt>", "exec"), scope)

    with pytest.raises(TypeError, match=r"typed: there is no file <prompt>; the sandbox runs functions of files"):
        sandbox.start(workflow(scope["typed"]))  # type: ignore[call-overload]
