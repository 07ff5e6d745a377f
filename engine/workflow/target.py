"""A function to call, with its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct

from engine.deployment.registry import DeployedFunction
from engine.errors import ConstraintViolation
from engine.log.events import Metadata, SubmitError
from engine.log.return_values import JsonText
from engine.wit.json_values import JsonValue, dump_json
from engine.wit.older_values import older_values

_MOST_OLDER_FORMS = 1000


class Target(Struct, frozen=True):
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

    def older_params(self) -> Iterator[JsonText]:
        """Return what the same call may have for parameters in older records.

        They may be from before the last parameters that the caller leaves out existed, or the last fields with defaults
        of a record; what the caller has for those fields now does not matter.
        """
        if self.args is None or self.function is None:
            return
        types = [param.type for param in self.function.type.params]
        least = len(self.args) if self.given is None else max(self.given, 0)
        for count in range(len(self.args), least - 1, -1):
            for values in islice(older_values(types[:count], self.args[:count]), _MOST_OLDER_FORMS):
                yield JsonText(dump_json(values))


def deployed_function(target: Target) -> DeployedFunction:
    """Return the function of a target that is to be run.

    Raises:
        ConstraintViolation: If it is not deployed.
    """
    if target.function is None:
        raise ConstraintViolation(f"function {target.ffqn} is not deployed")
    return target.function
