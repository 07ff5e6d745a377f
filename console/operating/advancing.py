"""Advancing a paused workflow: what it would do next as a list, cut after any step and carried out up to there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django import forms

from components.reports import counted
from console.executions.event_words import EventLine, unwritten_line
from console.operating.forms import OperationForm
from console.operating.outcomes import Done
from engine.deployment.spec import ComponentType
from engine.errors import EngineError
from engine.journal.protocol import Journal
from engine.log.event_encoding import encode_event
from engine.log.ids import ExecutionId
from engine.log.state import Lifecycle
from engine.replay.outcomes import Advanceable, Blocked, CapturedWrite, FinishedReplay, ReplayFailed
from executions.models import Execution
from executions.operations.advancing import advance
from executions.operations.captured_writes import (
    encode_captured_write,
    fingerprint,
    pausable_members,
    set_paused,
)
from executions.operations.replay_places import replay_place
from executions.operations.replaying import replay

_FINGERPRINT: Final = 16
"""Characters of it in the form: they tell an old list from a new one, and need to do no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one call of the workflow would write.

    Args:
        number: From 1.
        cut: Stands for this step and all before it, as they are now.
        lines: Its events.
        members: Ids of children and delays that it would create.
        text: All of it, as JSON text.
    """

    number: int
    cut: str
    lines: Sequence[EventLine]
    members: Sequence[str]
    text: str


class AdvanceForm(OperationForm):
    """How far to go, and what to create paused.

    Attributes:
        steps: What a replay would do next.
        problem: Why it would do no more.
    """

    cut = forms.ChoiceField(
        error_messages={
            "required": "Say after which step to stop.",
            "invalid_choice": "What the workflow would do next has changed; this is how it is now.",
        }
    )
    paused = forms.MultipleChoiceField(required=False)

    def __init__(self, row: Execution, *args: Any, **kwargs: Any) -> None:
        super().__init__(row, *args, **kwargs)
        self.steps: list[Step] = []
        self.problem: str | None = None
        self._writes: list[Any] = []
        if why_not_to_advance(row) is None:
            self._replay()
        self.fields["cut"].choices = [(step.cut, step.cut) for step in self.steps]  # type: ignore[attr-defined]
        members = [member for step in self.steps for member in step.members]
        self.fields["paused"].choices = [(member, member) for member in members]  # type: ignore[attr-defined]

    @property
    def has_nothing(self) -> bool:
        """Whether there is nothing to choose from."""
        return not self.steps

    def shown_fields(self) -> list[forms.BoundField]:
        """Return the reason alone: the template shows the steps with what can be said about each."""
        return [self["reason"]]

    def clean(self) -> dict[str, Any]:
        """Add what is to be applied, and how it is told in a few words."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = next((step for step in self.steps if step.cut == cleaned.get("cut")), None)
        if chosen is not None:
            cleaned["writes"] = self._writes[: chosen.number]
            cleaned["told"] = counted(chosen.number, "step")
            set_paused(cleaned["writes"], cleaned.get("paused", []))
        return cleaned

    def _replay(self) -> None:
        try:
            with replay_place():
                outcome = replay(ExecutionId(self.row.pk))
        except EngineError as refusal:
            self.problem = f"{refusal}."
            return
        match outcome:
            case Advanceable(writes=writes):
                self._take(writes)
            case ReplayFailed(error=error, writes=writes):
                self._take(writes)
                self.problem = f"Then it does not go on: {error}."
            case Blocked():
                self.problem = "It waits for a response; there is nothing that it could do before one arrives."
            case FinishedReplay():
                self.problem = "It has finished."

    def _take(self, writes: Sequence[CapturedWrite]) -> None:
        self._writes = [encode_captured_write(write) for write in writes]
        self.steps = [
            Step(
                number=number,
                cut=f"{number}-{fingerprint(self._writes[:number])[:_FINGERPRINT]}",
                lines=[self._line(write, index) for index in range(len(write.entries))],
                members=pausable_members(write),
                text=orjson.dumps(self._writes[number - 1]).decode(),
            )
            for number, write in enumerate(writes, 1)
        ]

    def _line(self, write: CapturedWrite, index: int) -> EventLine:
        entry = write.entries[index]
        return unwritten_line(self.row, version=entry.version, at=entry.created_at, encoded=encode_event(entry.event))


def why_not_to_advance(row: Execution) -> str | None:
    """Return why an execution cannot be advanced as it stands, or ``None``."""
    if row.component_type != ComponentType.WORKFLOW.value:
        return "It is no workflow."
    return None if row.lifecycle == Lifecycle.PAUSED.value else "It is not paused."


def carry_out_advance(row: Execution, data: Mapping[str, Any], journal: Journal | None) -> Done:
    """Apply the chosen steps."""
    with replay_place():
        advanced = advance(ExecutionId(row.pk), data["writes"], journal=journal)
    end = "and it has ended" if advanced.retval is not None else "and it is still paused"
    return Done(message=f"{data['told'].capitalize()} carried out, {end}.")
