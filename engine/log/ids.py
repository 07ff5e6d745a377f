"""Identifiers of executions, join sets, delays, executors, runs and deployments.

A child's id extends its parent's: ``{parent}.{join_set_id}_{index}``, so parent and join set are read off the id.

Source:
    Obelisk reference, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from engine.errors import IdSyntaxError

ExecutionId = NewType("ExecutionId", str)
JoinSetId = NewType("JoinSetId", str)
DelayId = NewType("DelayId", str)
ExecutorId = NewType("ExecutorId", str)
RunId = NewType("RunId", str)
DeploymentId = NewType("DeploymentId", str)
Version = NewType("Version", int)

EXECUTION_PREFIX = "E_"
DELAY_PREFIX = "Delay_"
DEPLOYMENT_PREFIX = "Dep_"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CROCKFORD_SET = frozenset(_CROCKFORD)
_ULID_LENGTH = 26
_MAX_ULID_FIRST = "7"
_MAX_INDEX_DIGITS = 20
_JOIN_SET_KINDS = frozenset("ong")
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/")


def make_ulid(timestamp_ms: int, randomness: bytes) -> str:
    """Return a ULID as 26 characters of Crockford's base 32.

    Args:
        timestamp_ms: Milliseconds since the epoch, 48 bits.
        randomness: 10 bytes.

    Raises:
        ValueError: If an argument is out of range.
    """
    if not 0 <= timestamp_ms < 1 << 48:
        raise ValueError(f"ULID timestamp {timestamp_ms} does not fit 48 bits")
    if len(randomness) != 10:
        raise ValueError(f"a ULID takes 10 random bytes, got {len(randomness)}")
    number = (timestamp_ms << 80) | int.from_bytes(randomness, "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def parse_ulid(text: str) -> int:
    """Return a ULID as a 128-bit number.

    Raises:
        IdSyntaxError: If the text is no ULID.
    """
    if len(text) != _ULID_LENGTH or not _CROCKFORD_SET.issuperset(text) or text[0] > _MAX_ULID_FIRST:
        raise IdSyntaxError(f"{text!r} is not a ULID: expected {_ULID_LENGTH} characters of Crockford's base 32")
    number = 0
    for character in text:
        number = (number << 5) | _CROCKFORD.index(character)
    return number


def ulid_timestamp_ms(ulid: str) -> int:
    """Return the time part of a ULID, in milliseconds since the epoch."""
    return parse_ulid(ulid) >> 80


def _prefixed(prefix: str, at: datetime, randomness: bytes) -> str:
    return prefix + make_ulid(int(at.timestamp() * 1000), randomness)


def make_execution_id(at: datetime, randomness: bytes) -> ExecutionId:
    """Return a top-level execution id. ``randomness`` is 10 bytes."""
    return ExecutionId(_prefixed(EXECUTION_PREFIX, at, randomness))


def make_executor_id(at: datetime, randomness: bytes) -> ExecutorId:
    """Return an executor id. ``randomness`` is 10 bytes."""
    return ExecutorId(_prefixed("Exr_", at, randomness))


def make_run_id(at: datetime, randomness: bytes) -> RunId:
    """Return a run id. ``randomness`` is 10 bytes."""
    return RunId(_prefixed("Run_", at, randomness))


def make_deployment_id(at: datetime, randomness: bytes) -> DeploymentId:
    """Return a deployment id. ``randomness`` is 10 bytes."""
    return DeploymentId(_prefixed(DEPLOYMENT_PREFIX, at, randomness))


def parse_deployment_id(text: str) -> DeploymentId:
    """Check a deployment id and return it.

    Raises:
        IdSyntaxError: If it does not parse.
    """
    if not text.startswith(DEPLOYMENT_PREFIX):
        raise IdSyntaxError(f"{text!r} is not a deployment id: it must start with {DEPLOYMENT_PREFIX}")
    parse_ulid(text[len(DEPLOYMENT_PREFIX) :])
    return DeploymentId(text)


def one_off_join_set(count: int, name: str) -> JoinSetId:
    """Return the id of the ``count``-th one-off join set, made for one direct call or sleep."""
    return JoinSetId(f"o:{count}-{name}")


def numbered_join_set(count: int) -> JoinSetId:
    """Return the id of a webhook endpoint's ``count``-th join set, made for one call."""
    return JoinSetId(f"o:{count}")


def named_join_set(name: str) -> JoinSetId:
    """Return the id of a join set that the workflow named."""
    return JoinSetId(f"n:{name}")


def generated_join_set(count: int) -> JoinSetId:
    """Return the id of the ``count``-th join set without a name."""
    return JoinSetId(f"g:{count}")


def join_set_name_problem(name: str) -> str | None:
    """Return what is wrong with a join-set name, or ``None``; an empty name is fine."""
    if _NAME_CHARACTERS.issuperset(name):
        return None
    wrong = next(character for character in name if character not in _NAME_CHARACTERS)
    return f"join set name {name!r} contains {wrong!r}; allowed are ASCII letters, digits, '-' and '/'"


def child_id(parent: ExecutionId, join_set: JoinSetId, index: int) -> ExecutionId:
    """Return the id of the ``index``-th child (from 1) submitted to a join set."""
    return ExecutionId(f"{parent}.{join_set}_{index}")


def delay_id(parent: ExecutionId, join_set: JoinSetId, index: int) -> DelayId:
    """Return the id of the ``index``-th delay (from 1) submitted to a join set."""
    return DelayId(f"{DELAY_PREFIX}{parent[len(EXECUTION_PREFIX) :]}.{join_set}_{index}")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a derived id hangs: its parent execution, join set and index."""

    parent: ExecutionId
    join_set: JoinSetId
    index: int


def _split_last(text: str) -> tuple[str, JoinSetId, int]:
    parent, _, segment = text.rpartition(".")
    join_set, underscore, index = segment.partition("_")
    if not underscore or not index.isascii() or not index.isdigit() or len(index) > _MAX_INDEX_DIGITS:
        raise IdSyntaxError(f"{text!r}: {segment!r} is not `join-set_index`")
    _check_join_set(join_set, text)
    return parent, JoinSetId(join_set), int(index)


def _check_join_set(join_set: str, whole: str) -> None:
    kind, colon, name = join_set.partition(":")
    if not colon or kind not in _JOIN_SET_KINDS:
        raise IdSyntaxError(f"{whole!r}: {join_set!r} is not a join set id such as `n:name`, `g:1` or `o:1-call`")
    if problem := join_set_name_problem(name):
        raise IdSyntaxError(f"{whole!r}: {problem}")


def parse_execution_id(text: str) -> ExecutionId:
    """Check an execution id, top-level or derived, and return it.

    Raises:
        IdSyntaxError: If it does not parse; says where.
    """
    if not text.startswith(EXECUTION_PREFIX):
        raise IdSyntaxError(f"{text!r} is not an execution id: it must start with {EXECUTION_PREFIX}")
    rest = text
    while "." in rest:
        rest, _, _ = _split_last(rest)
    parse_ulid(rest[len(EXECUTION_PREFIX) :])
    return ExecutionId(text)


def parse_top_level_id(text: str) -> ExecutionId:
    """Check a top-level execution id and return it.

    Raises:
        IdSyntaxError: If it does not parse or belongs to a child.
    """
    parsed = parse_execution_id(text)
    if not is_top_level(parsed):
        raise IdSyntaxError(f"{text!r} is a child's id; a top-level one is expected")
    return parsed


def is_top_level(execution: ExecutionId) -> bool:
    """Tell whether no workflow submitted this execution."""
    return "." not in execution


def position_of(execution: ExecutionId) -> Position | None:
    """Return where a child hangs, or ``None`` for a top-level execution."""
    if is_top_level(execution):
        return None
    parent, join_set, index = _split_last(execution)
    return Position(ExecutionId(parent), join_set, index)


def delay_position(delay: DelayId) -> Position:
    """Return where a delay hangs.

    Raises:
        IdSyntaxError: If it does not parse.
    """
    if not delay.startswith(DELAY_PREFIX):
        raise IdSyntaxError(f"{delay!r} is not a delay id: it must start with {DELAY_PREFIX}")
    parent, join_set, index = _split_last(EXECUTION_PREFIX + delay[len(DELAY_PREFIX) :])
    return Position(parse_execution_id(parent), join_set, index)


def top_level_of(execution: ExecutionId) -> ExecutionId:
    """Return the top-level execution that this one belongs to."""
    return ExecutionId(execution.partition(".")[0])
