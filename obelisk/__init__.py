"""Durable workflows and activities, written as typed Python functions.

A ``.py`` file that uses this package is a component: deployed, it runs in the engine's sandbox and survives crashes;
imported in plain Python, its functions are just functions. ::

    from obelisk import activity, workflow

    @activity
    def greet(name: str) -> str:
        return f"Hello, {name}"

    @workflow
    def greet_all(names: list[str]) -> list[str]:
        return [greet(name) for name in names]      # a durable call each
"""

from __future__ import annotations

from obelisk import http
from obelisk.backends import Info
from obelisk.errors import (
    ChildError,
    CompensationFailed,
    FailureKind,
    JoinSetExhausted,
    PermanentError,
    Refused,
    RetryLater,
    SignalRefused,
)
from obelisk.functions import Bound, Function, activity, imported, query, signal, stub, webhook, workflow
from obelisk.join_sets import Child, JoinSet
from obelisk.sagas import Saga, saga
from obelisk.scalars import Json, char, f32, s8, s16, s32, s64, u8, u16, u32, u64
from obelisk.verbs import answer, execution_id, gather, info, join_set, patched, race, schedule, sleep, timeout
from obelisk.webhooks import Ended, Request, Response, get, send_signal, try_get

__all__ = [
    "Bound",
    "Child",
    "ChildError",
    "CompensationFailed",
    "Ended",
    "FailureKind",
    "Function",
    "Info",
    "JoinSet",
    "JoinSetExhausted",
    "Json",
    "PermanentError",
    "Refused",
    "Request",
    "Response",
    "RetryLater",
    "Saga",
    "SignalRefused",
    "activity",
    "answer",
    "char",
    "execution_id",
    "f32",
    "gather",
    "get",
    "http",
    "imported",
    "info",
    "join_set",
    "patched",
    "query",
    "race",
    "s8",
    "s16",
    "s32",
    "s64",
    "saga",
    "schedule",
    "send_signal",
    "signal",
    "sleep",
    "stub",
    "timeout",
    "try_get",
    "u8",
    "u16",
    "u32",
    "u64",
    "webhook",
    "workflow",
]
