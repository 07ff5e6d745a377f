"""A function to call, with its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.deployment.registry import DeployedFunction
from engine.log.events import JsonText, SubmitError
from engine.wit.json_values import JsonValue


@dataclass(frozen=True, slots=True)
class Target:
    """A function to call, with checked parameters, or why it cannot be called.

    Args:
        ffqn: Its name.
        params: JSON array of its parameters; ``[]`` when it cannot be called.
        function: The deployed function, or ``None`` when it cannot be called.
        args: The parameters as values, where the caller has them at hand.
        error: Why it cannot be called.
    """

    ffqn: str
    params: JsonText
    function: DeployedFunction | None
    args: Sequence[JsonValue] | None = None
    error: SubmitError | None = None
