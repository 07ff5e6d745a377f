"""What a forked execution has of those that it was forked from.

Its history begins with theirs, so the random values, generated ids and instants in that are theirs: up to the fork it
draws from their sources, and from there on from its own. What it needs for that stands in the metadata of its creation.

Source:
    docs/decisions/0013-a-fork-copies-the-history.md.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from functools import lru_cache

from msgspec import Struct

from engine.log.events import Metadata
from engine.log.ids import ExecutionId
from engine.log.time_json import decode_instant, encode_instant
from engine.workflow.inheritance import SEED_KEY

ORIGIN_KEY = "forked-from"
"""Metadata: ``ID@VERSION``, what it was forked from and the last event that it has of that. For people."""

LINEAGE_KEY = "obelisk-lineage"
"""Metadata: a `Lineage`. Secret like `SEED_KEY`: it holds the ancestors' seeds."""

SECRET_KEYS = frozenset((SEED_KEY, LINEAGE_KEY))
"""What nobody outside is shown of the metadata."""


class Ancestor(Struct, frozen=True, gc=False):
    """Whose values stand in a stretch of the history.

    Args:
        execution_id: The ancestor; generated values follow from its id.
        seed: The seed of its interpreter, 32 hex digits.
        until: How many history events the stretch and those before it hold.
    """

    execution_id: ExecutionId
    seed: str
    until: int


class Lineage(Struct, frozen=True, gc=False):
    """The ancestors of a forked execution, oldest first.

    Args:
        began_at: When the oldest was created: where an interpreter's clock begins.
        ancestors: With rising ``until``.
    """

    began_at: datetime
    ancestors: tuple[Ancestor, ...]


@lru_cache(maxsize=256)
def lineage_of(metadata: Metadata) -> Lineage | None:
    """Return the lineage in the metadata of a creation; ``None`` if it was not forked."""
    for key, value in metadata:
        if key == LINEAGE_KEY:
            data = json.loads(value)
            ancestors = (Ancestor(ExecutionId(each[0]), each[1], each[2]) for each in data["ancestors"])
            return Lineage(decode_instant(data["began_at"]), tuple(ancestors))
    return None


def lineage_metadata(lineage: Lineage) -> Metadata:
    """Return a lineage as it stands in the metadata of a creation."""
    data = {
        "began_at": encode_instant(lineage.began_at),
        "ancestors": [[each.execution_id, each.seed, each.until] for each in lineage.ancestors],
    }
    return ((LINEAGE_KEY, json.dumps(data)),)


def began_at(metadata: Metadata, created_at: datetime) -> datetime:
    """Return when an execution began as its guest sees it: a fork's guest began with the oldest ancestor."""
    lineage = lineage_of(metadata)
    return created_at if lineage is None else lineage.began_at


def seed_of(metadata: Metadata, execution_id: ExecutionId) -> str:
    """Return an interpreter's seed, 32 hex digits; executions from before there was one derive it from their id."""
    seed = dict(metadata).get(SEED_KEY)
    return hashlib.sha256(b"seed" + execution_id.encode()).digest()[:16].hex() if seed is None else seed
