"""WASI as a real component sees it: clocks, entropy, standard streams, and what is not there."""

from __future__ import annotations

import threading
import time

import pytest

from engine.deployment.spec import ComponentType
from engine.errors import Trap, TrapKind
from engine.host.wasi.resources import MOST
from engine.host.wasi.state import WasiState
from engine.host.wasi.stdio import MAX_OUTPUT_BYTES
from tests.harness.eventually import PATIENCE_S
from tests.harness.wasi_guest import STUBBED, Guest, linked


@pytest.fixture
def guest() -> Guest:
    return Guest(environment={"GREETING": "hello"})


def test_the_environment_is_what_the_deployment_gives(guest: Guest) -> None:
    assert guest.call("environment") == {"ok": [["GREETING", "hello"]]}
    assert guest.call("arguments") == {"ok": []}


def test_what_is_printed_arrives_line_by_line(guest: Guest) -> None:
    guest.call("print", "one\ntwo\nthree", "oops\n")

    assert guest.stdout == ["one", "two", "three"]
    assert guest.stderr == ["oops"]


def test_a_guest_that_prints_without_end_fills_nothing(guest: Guest) -> None:
    assert guest.call("print-much", 20_000) == {"ok": None}

    assert sum(map(len, guest.stdout)) < MAX_OUTPUT_BYTES + 1000
    assert "limit" in guest.stdout[-1]


def test_stdin_is_at_its_end(guest: Guest) -> None:
    assert guest.call("read-stdin") == {"err": "closed"}


def test_clocks_are_real(guest: Guest) -> None:
    seconds, slept = guest.call("sleep", 20)["ok"]

    assert abs(seconds - time.time()) < 5
    assert slept >= 20_000_000


def test_a_sleep_ends_with_the_runs_time() -> None:
    guest = Guest(deadline=0.05)
    began = time.monotonic()

    with pytest.raises(Trap) as caught:
        guest.call("sleep", 60_000)

    assert caught.value.kind is TrapKind.INTERRUPTED
    assert time.monotonic() - began < PATIENCE_S


def test_a_sleep_ends_when_the_run_is_interrupted() -> None:
    guest = Guest(deadline=None)
    is_over = threading.Event()

    def interrupt() -> None:
        # Again and again: the call has a loop of its own, and may not have begun.
        while not is_over.wait(0.05):
            guest.wasi.loop.interrupt()

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    try:
        with pytest.raises(Trap) as caught:
            guest.call("sleep", 60_000)
    finally:
        is_over.set()
        interrupter.join()

    assert caught.value.kind is TrapKind.INTERRUPTED


def test_entropy_is_real(guest: Guest) -> None:
    first, second = guest.call("random", 32)["ok"], guest.call("random", 32)["ok"]

    assert len(first) == 32
    assert first != second


def test_too_much_entropy_at_once_is_a_trap(guest: Guest) -> None:
    with pytest.raises(Trap, match="random bytes at once"):
        guest.call("random", 1 << 30)


def test_there_are_no_files_and_no_sockets(guest: Guest) -> None:
    assert guest.call("directories") == {"ok": 0}
    assert "access-denied" in guest.call("open-socket")["err"]
    assert "permanent-resolver-failure" in guest.call("resolve", "localhost")["err"]


def test_exit_ends_the_run(guest: Guest) -> None:
    with pytest.raises(Trap, match="exit with status 3"):
        guest.call("exit", 3)


def test_waiting_for_nothing_is_a_trap(guest: Guest) -> None:
    with pytest.raises(Trap, match="empty list"):
        guest.call("poll-nothing")


def test_a_guest_that_hoards_handles_is_stopped(guest: Guest) -> None:
    assert guest.call("hoard", 100) == {"ok": None}
    with pytest.raises(Trap, match=f"{MOST} resources"):
        guest.call("hoard", MOST + 1)


class Workflow:
    """A workflow's context, as far as WASI goes."""

    def __init__(self) -> None:
        self.wasi = WasiState()


def look_around() -> list[str]:
    program = linked("stubbed", ComponentType.WORKFLOW)
    result = program.call(STUBBED, "look-around", [], context=Workflow())
    assert isinstance(result, dict)
    found = result["ok"]
    assert isinstance(found, list)
    return [str(line) for line in found]


def test_a_workflow_sees_the_same_world_every_time() -> None:
    assert look_around() == [
        "environment []",
        "arguments []",
        "cwd None",
        "stdin Err(StreamError::Closed)",
        "stdout Ok(())",
        "ready [0, 1]",
        "terminal false",
        "monotonic 0",
        "wall 0",
        "random [0, 0, 0] 0",
        "seed (0, 0)",
        "directories 0",
    ]
    assert look_around() == look_around()


@pytest.mark.parametrize(
    ("function", "said"), [("sleep", "workflow-support"), ("resolution", "no clock"), ("exit", "exit with status 0")]
)
def test_a_workflow_that_asks_for_time_or_leaves_dies(function: str, said: str) -> None:
    program = linked("stubbed", ComponentType.WORKFLOW)

    with pytest.raises(Trap, match=said):
        program.call(STUBBED, function, [], context=Workflow())
