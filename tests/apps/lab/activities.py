"""Activities that fail, wait and count as tests need it."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, connection, transaction

from obelisk import PermanentError, RetryLater, activity, info, sleep, u8
from tests.apps.lab.models import Sample

calls: Counter[str] = Counter()
gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)
reached: defaultdict[str, threading.Event] = defaultdict(threading.Event)
ended: defaultdict[str, threading.Event] = defaultdict(threading.Event)

_QUICK = timedelta(milliseconds=1)


@dataclass
class Broken(Exception):
    part: str


class Gone(PermanentError):
    pass


@activity
def double(n: u8, by: u8 = 2) -> int:
    return n * by


@activity
def who() -> str:
    return f"{info().function} {info().attempt} {info().execution_id}"


@activity(max_retries=3, retry_backoff=_QUICK)
def flaky(key: str, failures: u8) -> int:
    calls[key] += 1
    if calls[key] <= failures:
        raise ConnectionError(f"attempt {calls[key]}")
    return calls[key]


@activity(max_retries=1, retry_backoff=_QUICK, errors=[Broken, Gone])
def fail(key: str, how: str) -> None:
    calls[key] += 1
    match how:
        case "declared":
            raise Broken("lens")
        case "permanent":
            raise Gone("for good")
        case "undeclared":
            raise KeyError("reference")
        case "exit":
            raise SystemExit(3)
        case "durable":
            sleep(timedelta(seconds=1))
        case "later":
            raise RetryLater("busy", after=timedelta(hours=1))
        case _:
            pass


@activity(max_retries=3, retry_backoff=_QUICK)
def returns_a_wrong_type(key: str) -> int:
    calls[key] += 1
    return "three"  # type: ignore[return-value]  # that is the point


@activity(max_retries=1, retry_backoff=_QUICK, attempt_timeout=timedelta(milliseconds=300))
def wait(key: str) -> str:
    calls[key] += 1
    attempt = calls[key]
    reached[key].set()
    if attempt == 1:
        assert gates[key].wait(30)
    ended[key].set()
    return f"attempt {attempt}"


@activity(atomic=True, max_retries=1, retry_backoff=_QUICK)
def keep(key: str, then: str) -> int:
    """Write a sample; the first attempt then fails in some way."""
    calls[key] += 1
    sample = Sample.objects.create(text=key)
    if calls[key] > 1:
        return int(sample.pk)
    match then:
        case "raise":
            raise ConnectionError("after the write")
        case "catch":
            try:
                Sample.objects.create(text=key)
            except DatabaseError:
                return -1
        case "roll back":
            transaction.set_rollback(True)
        case _:
            pass
    return int(sample.pk)


@activity(atomic=True, max_retries=1, retry_backoff=_QUICK, attempt_timeout=timedelta(milliseconds=300))
def keep_late(key: str) -> str:
    """Write a sample, the first time only when nobody waits for it any more."""
    calls[key] += 1
    attempt = calls[key]
    if attempt == 1:
        # Before the transaction's first statement SQLite would hold its lock on writing: BEGIN IMMEDIATE.
        reached[key].set()
        assert gates[key].wait(30)
    try:
        Sample.objects.create(text=f"{key} {attempt}")
    finally:
        ended[key].set()
    return f"attempt {attempt}"


@activity
def forget_to_commit(key: str) -> bool:
    """Leave a transaction open; tell whether somebody else had."""
    was_open = not connection.get_autocommit()
    connection.set_autocommit(False)
    Sample.objects.create(text=f"{key} {was_open}")
    return was_open
