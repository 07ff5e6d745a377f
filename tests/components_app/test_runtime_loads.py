"""Interpreters that are made ready beside what goes on, with loaders of the test's own instead of real ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from components.manifest import parse_manifest
from components.runtime_loads import Language, RuntimeLoading, RuntimeLoads, languages_of, load_ahead
from components.services import deploy
from engine.errors import RuntimeUnavailable
from tests.components_app.builders import activity_table, make_wasm, write_deployment
from tests.harness.eventually import PATIENCE_S, eventually

SENTENCE = "building the Python runtime (once, about a minute)"
JS = '[[activity_js]]\nffqn = "test:js/api.f"\ncontent = "export default () => null"\n'


class SlowLoader:
    """A loader that takes as long as the test says, once.

    Args:
        error: How it ends the first time.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.may_end = threading.Event()
        self.begun = 0
        self.is_ready = False
        self._error = error

    def __call__(self, on_progress: Callable[[str], None]) -> None:
        if self.is_ready:
            return
        on_progress(SENTENCE)
        self.begun += 1
        assert self.may_end.wait(PATIENCE_S)
        error, self._error = self._error, None
        if error is not None:
            raise error
        self.is_ready = True


@pytest.fixture
def slow() -> Iterator[SlowLoader]:
    loader = SlowLoader()
    yield loader
    loader.may_end.set()


def loads(python: SlowLoader, *, patience_s: float = 0) -> RuntimeLoads:
    return RuntimeLoads(
        {"python": python, "javascript": lambda _on_progress: None}, patience=timedelta(seconds=patience_s)
    )


def test_what_is_ready_is_not_waited_for(slow: SlowLoader) -> None:
    slow.is_ready = True

    loads(slow).require(["python", "javascript"])

    assert slow.begun == 0


def test_who_would_wait_too_long_comes_again_while_it_is_made_ready_once(slow: SlowLoader) -> None:
    runtimes = loads(slow)

    for _ in range(3):
        with pytest.raises(RuntimeLoading) as caught:
            runtimes.require(["python"])
        assert str(caught.value) == f"the server is {SENTENCE}; submit it again in a moment"
    slow.may_end.set()
    runtimes.begin("python").result(PATIENCE_S)

    runtimes.require(["python"])
    assert slow.begun == 1


def test_who_need_not_wait_long_waits(slow: SlowLoader) -> None:
    slow.may_end.set()

    loads(slow, patience_s=PATIENCE_S).require(["python"])

    assert slow.is_ready


def test_a_failure_is_told_to_one_who_asks_and_then_it_is_tried_again() -> None:
    failing = SlowLoader(RuntimeUnavailable("there is no network"))
    runtimes = loads(failing)
    with pytest.raises(RuntimeLoading):
        runtimes.require(["python"])
    failing.may_end.set()
    eventually(lambda: "python runtime" not in {thread.name for thread in threading.enumerate()})

    with pytest.raises(RuntimeUnavailable, match="there is no network"):
        runtimes.require(["python"])
    runtimes.begin("python").result(PATIENCE_S)

    assert failing.begun == 2
    runtimes.require(["python"])


def test_who_was_told_of_a_failure_is_not_told_again() -> None:
    failing = SlowLoader(RuntimeUnavailable("there is no network"))
    failing.may_end.set()
    runtimes = loads(failing, patience_s=PATIENCE_S)

    with pytest.raises(RuntimeUnavailable):
        runtimes.require(["python"])
    runtimes.require(["python"])

    assert failing.begun == 2


def test_the_languages_of_a_deployment_are_those_of_its_tables() -> None:
    python = '[[python]]\nname = "a"\nlocation = "a.py"\n'
    webhook = '[[webhook_endpoint_py]]\nname = "b"\nlocation = "b.py"\nroutes = ["/b"]\n'

    def languages(toml: str) -> list[Language]:
        return list(languages_of(parse_manifest(toml, file_name="d.toml").entries))

    assert languages(activity_table("x")) == []
    assert languages(webhook) == languages(python) == ["python"]
    assert languages(python + JS) == ["python", "javascript"]


@pytest.mark.django_db(transaction=True)
def test_a_site_makes_ready_what_it_was_deployed_with(tmp_path: Path) -> None:
    begun: list[Language] = []

    class Noting(RuntimeLoads):
        def begin(self, language: Language) -> None:  # type: ignore[override]
            begun.append(language)

    deploy(write_deployment(tmp_path, activity_table("x"), x=make_wasm(exports={"test:x/api": ["f"]})))
    load_ahead(Noting({}))
    assert begun == []

    deploy(write_deployment(tmp_path, JS))
    load_ahead(Noting({}))
    assert begun == ["javascript"]
