"""Why something was refused, for people who may not see values."""

from __future__ import annotations

from engine.errors import EngineError
from executions.operations.forking import ForkRefused
from executions.operations.submitting import CallRefused, FunctionNotDeployed


def without_values(error: EngineError) -> str:
    """Return the sentence of a refusal, or another one in place of those that may quote parameters or results."""
    match error:
        case FunctionNotDeployed():
            return str(error)
        case CallRefused():
            return "the old call does not fit the function any more"
        case ForkRefused(version=int() as version):
            return f"the fork does not go on from its history at event {version}"
        case _:
            return str(error)
