"""A function to call, with its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.deployment.registry import DeployedFunction
from engine.errors import ConstraintViolation
from engine.log.events import Metadata, SubmitError
from engine.log.return_values import JsonText
from engine.wit.json_values import JsonValue, dump_json


@dataclass(frozen=True, slots=True)
class Target:
    """A function to call, with checked parameters, or why it cannot be called.

    Args:
        ffqn: Its name.
        params: JSON array of its parameters.
        function: The deployed function; ``None`` if there is none.
        args: The parameters as values, where the caller has them at hand.
        given: How many of the parameters the caller wrote, where the last ones are defaults.
        metadata: What the call adds to the metadata of the creation: options and labels.
        error: Why it cannot be called now. A replay that finds another outcome recorded follows the record.
    """

    ffqn: str
    params: JsonText
    function: DeployedFunction | None
    args: Sequence[JsonValue] | None = None
    error: SubmitError | None = None
    given: int | None = None
    metadata: Metadata = ()

    def shorter_params(self) -> Iterator[JsonText]:
        """Return what the same call has for parameters in a record from before the last ones existed."""
        if self.given is not None and self.args is not None:
            for count in range(max(self.given, 0), len(self.args)):
                yield JsonText(dump_json(list(self.args[:count])))


def deployed_function(target: Target) -> DeployedFunction:
    """Return the function of a target that is to be run.

    Raises:
        ConstraintViolation: If it is not deployed.
    """
    if target.function is None:
        raise ConstraintViolation(f"function {target.ffqn} is not deployed")
    return target.function
