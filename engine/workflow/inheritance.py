"""What an execution hands on to those that it creates.

An interpreter's random numbers come from a secret seed, since ids are public and tokens made from one could be guessed.
A child's seed follows from its parent's and the child's id, so that a replay finds the same without an event. A child
of a parent without one, such as a compiled workflow, gets a fresh seed: it stands in the event of its creation, which
is written once and never again by a replay.

The trace that an execution belongs to is that of all below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from engine.deployment.spec import Runner
from engine.log.events import Metadata
from engine.log.ids import ExecutionId
from engine.log.tracing import inherited_trace

SEED_KEY = "obelisk-seed"
"""Name under which the seed, 32 hex digits, stands in the metadata of an execution's creation."""

_SEED_BYTES = 16


def inherited_metadata(
    metadata: Metadata, child: ExecutionId, *, runner: Runner, random_bytes: Callable[[int], bytes]
) -> Metadata:
    """Return the metadata of a new execution.

    Args:
        metadata: Its creator's.
        child: Its id.
        runner: What will run it.
        random_bytes: Gives as many random bytes as asked for.
    """
    if not metadata and runner is not Runner.SOURCE:
        return ()
    seed = next((child_seed(value, child) for key, value in metadata if key == SEED_KEY), None)
    if seed is None and runner is Runner.SOURCE:
        seed = random_bytes(_SEED_BYTES).hex()
    trace = inherited_trace(metadata) if metadata else ()
    return trace if seed is None else ((SEED_KEY, seed), *trace)


def child_seed(seed: str, child: ExecutionId) -> str:
    """Return the seed of an execution from its creator's, both 32 hex digits."""
    return hashlib.sha256(f"{seed}:{child}".encode()).hexdigest()[:32]
