"""Running a small component when the runtime is built, many times.

The interpreter is frozen as it is afterwards: with the caches of the library filled and its own code specialised, so
that the first run of every instance finds what others find in their hundredth.
"""

from __future__ import annotations

import json
import linecache
import os
import sys
import time
from typing import Any

from engine.guests.python.runtime import generated_code, running
from engine.guests.python.runtime.describing import describe
from engine.guests.python.runtime.loading import forget_imports
from obelisk import functions

_ROUNDS = 30
_MODULE = "obelisk_warm_up"
_SAMPLE = """
from __future__ import annotations
from dataclasses import dataclass
from datetime import timedelta
from obelisk import ChildError, activity, gather, join_set, sleep, stub, timeout, u8, workflow

@dataclass
class Order:
    name: str
    amount: int = 1
    tags: list[str] | None = None

@dataclass
class SoldOut(Exception):
    name: str

@activity(max_retries=2, errors=(SoldOut,))
def buy(order: Order, fast: bool = False) -> str:
    print("buying")
    return order.name

@stub
def approve(order: Order) -> bool: ...

@workflow
def shop(names: list[str]) -> dict[str, int]:
    found = [buy(Order(name), fast=True) for name in names]
    with join_set("all") as members:
        for name in names:
            members.submit(buy, Order(name))
        found += [child.result() for child in members]
    sleep(timedelta(seconds=1))
    with timeout(timedelta(days=1)):
        found += gather(buy.bind(Order("x")))
    return {name: len(name) for name in found}

@workflow
def fail(n: u8) -> None:
    raise ValueError(str(n))
"""


class _Host:
    """Answers as the engine would if everything went well."""

    def __init__(self) -> None:
        self._members = 0
        self._waiting: list[str] = []

    def __call__(self, op: str, body: str) -> str:
        return json.dumps(self._answer(op))

    def _answer(self, op: str) -> dict[str, Any]:
        match op:
            case "js_create":
                return {"set": "g:1"}
            case "js_submit" | "js_delay":
                self._members += 1
                if op == "js_submit":
                    self._waiting.append(f"E_{self._members}")
                return {"id": f"E_{self._members}"}
            case "js_next":
                return {"id": self._waiting.pop(), "ok": "done"}
            case "now":
                return {"us": 0}
            case "sleep":
                return {"expires_at_us": 0, "cancelled": False}
            case _:
                return {"id": "E_0", "ok": "done"}


def warm_up() -> None:
    """Run the sample often enough, and leave nothing of it behind but speed."""
    before = sys.stdout, sys.stderr, time.sleep
    files = [{"path": f"{_MODULE}.py", "text": _SAMPLE}]
    order = json.dumps([{"name": "x", "amount": 1, "tags": None}, False])
    context = {"seed": "00", "env": {}}
    for _ in range(_ROUNDS):
        _forget()
        described = describe({"kind": "module", "package": "obelisk:sample", "files": files})
        artefact = described["artefact"]
        for kind, function, params in (
            ("activity", "buy", order),
            ("workflow", "shop", '[["a","b"]]'),
            ("workflow", "fail", "[3]"),
        ):
            _forget()
            answer = json.loads(running.run(_Host(), kind, artefact, function, params, context))
            assert ("ok" in answer) == (function != "fail"), answer
    _forget()
    sys.stdout, sys.stderr, time.sleep = before


def _forget() -> None:
    running.forget()
    generated_code.learn({})
    forget_imports()
    functions.registered.clear()
    sys.modules.pop(_MODULE, None)
    linecache.cache.clear()
    os.environ.clear()
