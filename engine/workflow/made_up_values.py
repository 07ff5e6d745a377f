"""Values that the host makes up for a workflow: recorded, so that every run gets the same ones."""

from __future__ import annotations

import sys

from engine.errors import ConstraintViolation
from engine.log import events as e
from engine.log.ids import ExecutionId, make_ulid, parse_ulid, top_level_of, ulid_timestamp_ms
from engine.workflow.lineage import Lineage
from engine.workflow.port import RunPort
from engine.workflow.prng import WorkflowRandom
from engine.workflow.recorder import Recorder


class MadeUpValues:
    """Random values and fresh ids of one run.

    Args:
        execution_id: The workflow.
        recorder: Replays and records.
        port: Tells the time.
        lineage: Whose values stand in the first part of a fork's history.
    """

    def __init__(
        self, execution_id: ExecutionId, recorder: Recorder, port: RunPort, lineage: Lineage | None = None
    ) -> None:
        self._recorder = recorder
        self._port = port
        ancestors = () if lineage is None else lineage.ancestors
        self._owners = [(each.until, each.execution_id) for each in ancestors]
        self._owners.append((sys.maxsize, execution_id))
        self._owner, self._random = execution_id, WorkflowRandom(execution_id)
        if lineage is not None:
            self._hand_over()
        self.generated_ids: set[ExecutionId] = set()

    def _hand_over(self) -> None:
        """Draw from the source of whoever made the values at this place of the history."""
        while self._recorder.position >= self._owners[0][0]:
            del self._owners[0]
        owner = self._owners[0][1]
        if owner != self._owner:
            self._owner, self._random = owner, WorkflowRandom(owner)

    def random_u64(self, low: int, high_inclusive: int) -> int:
        """Return a random integer of the range, recorded.

        Raises:
            ConstraintViolation: If the range is empty.
        """
        if low > high_inclusive:
            raise ConstraintViolation(f"random-u64: the range {low}..={high_inclusive} is empty")
        value = self._source().in_range(low, high_inclusive)
        self._persist(value.to_bytes(8, "big"), e.RandomU64(low, high_inclusive))
        return value

    def random_string(self, min_length: int, max_length_exclusive: int) -> str:
        """Return random letters and digits, recorded.

        Raises:
            ConstraintViolation: If the range of lengths is empty.
        """
        if min_length >= max_length_exclusive:
            raise ConstraintViolation(f"random-string: the range {min_length}..{max_length_exclusive} is empty")
        value = self._source().string(min_length, max_length_exclusive)
        self._persist(value.encode(), e.RandomString(min_length, max_length_exclusive))
        return value

    def generate_execution_id(self) -> ExecutionId:
        """Return a fresh top-level execution id, recorded; its time part is the workflow's own."""
        random = self._source()
        own = top_level_of(self._owner)[len("E_") :]
        ulid = make_ulid(ulid_timestamp_ms(own), random.bytes(10))
        self._persist(parse_ulid(ulid).to_bytes(16, "big"), e.GeneratedExecutionId())
        generated = ExecutionId(f"E_{ulid}")
        self.generated_ids.add(generated)
        return generated

    def _source(self) -> WorkflowRandom:
        if len(self._owners) > 1:
            self._hand_over()
        return self._random

    def _persist(self, value: bytes, kind: e.PersistKind) -> None:
        event = e.Persist(value=value, kind=kind)
        if self._recorder.replay(event) is None:
            self._recorder.record(event, self._port.now())
