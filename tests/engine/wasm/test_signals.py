from __future__ import annotations

import subprocess
import sys

import pytest

# Signals reach the main thread of a process, which a test must not rely on being.
PREAMBLE = """
import os, signal, threading
from engine.wasm.engine import WasmEngine, WasmSettings
from tests.engine.wasm.guests import CALLER, GUEST, SPIN, linked

engine = WasmEngine.for_process(WasmSettings(pool_slots=10))

def send_soon(number):
    # Long enough for the guest to run, and repeated should it not.
    timer = threading.Timer(0.1, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()
"""


def output_of(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_a_signal_interrupts_a_guest_that_never_returns() -> None:
    script = """
send_soon(signal.SIGINT)
try:
    linked(engine, SPIN).call(GUEST, "run", [])
except KeyboardInterrupt:
    print("interrupted")
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    assert output_of(script) == "interrupted\n"


def test_an_exception_of_a_handler_is_never_lost_between_host_calls() -> None:
    # Signals come thick and fast, so that they hit every place there is.
    script = """
class Alarm(Exception):
    pass

def on_alarm(number, frame):
    raise Alarm

signal.signal(signal.SIGALRM, on_alarm)
component = linked(engine, CALLER, step=lambda context, x: {"ok": x})
caught = 0
for turn in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005 + turn * 1e-6)
        component.call(GUEST, "sum", [100_000])
    except Alarm:
        caught += 1
print(caught)
"""
    assert output_of(script) == "300\n"


@pytest.mark.parametrize(
    "body", ["pass", "signal.signal(signal.SIGINT, mine)"], ids=["kept", "replaced by a host function"]
)
def test_handlers_are_as_they_were_afterwards(body: str) -> None:
    script = f"""
def mine(number, frame):
    pass

def step(context, x):
    {body}
    return {{"ok": x}}

before = signal.getsignal(signal.SIGINT)
linked(engine, CALLER, step=step).call(GUEST, "sum", [1])
print(signal.getsignal(signal.SIGINT) is (before if {body!r} == "pass" else mine))
"""
    assert output_of(script) == "True\n"


def test_a_handler_runs_in_the_midst_of_a_host_function() -> None:
    script = """
def step(context, x):
    send_soon(signal.SIGINT)
    threading.Event().wait(30)

try:
    linked(engine, CALLER, step=step).call(GUEST, "sum", [1])
except KeyboardInterrupt:
    print("interrupted")
"""
    assert output_of(script) == "interrupted\n"
