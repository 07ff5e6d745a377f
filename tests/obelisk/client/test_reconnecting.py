from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from obelisk.client.api import ClientError, Refused, Unreachable
from obelisk.client.output import Output
from obelisk.client.reconnecting import ask_patiently

LOST = Unreachable("no connection")
BUSY = Refused(503, "starting")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that would have been."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def answering(*answers: ClientError | str) -> Callable[[], str]:
    left = iter(answers)

    def question() -> str:
        answer = next(left)
        if isinstance(answer, ClientError):
            raise answer
        return answer

    return question


def test_a_lost_connection_is_made_anew_and_said_once(capsys: pytest.CaptureFixture[str], waits: list[float]) -> None:
    answer = ask_patiently(answering(LOST, BUSY, LOST, "here"), Output(as_json=True), reconnect=True)

    assert answer == "here"
    assert capsys.readouterr().err == "no connection; trying again\n"
    assert waits == sorted(waits)


def test_nothing_is_asked_twice_where_nobody_wants_it(waits: list[float]) -> None:
    with pytest.raises(Unreachable):
        ask_patiently(answering(LOST, "here"), Output(as_json=True), reconnect=False)

    assert waits == []


def test_a_refusal_is_final() -> None:
    with pytest.raises(Refused, match="gone"):
        ask_patiently(answering(Refused(404, "gone"), "here"), Output(as_json=True), reconnect=True)


def test_patience_ends(waits: list[float]) -> None:
    with pytest.raises(Unreachable):
        ask_patiently(answering(*[LOST] * 100), Output(as_json=True), reconnect=True)

    assert 20 < sum(waits) < 60


def test_who_was_connected_for_long_has_all_patience_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 100))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))

    assert ask_patiently(answering(*[LOST] * 100, "here"), Output(as_json=True), reconnect=True) == "here"
