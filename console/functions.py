"""The functions that are deployed, for people who pick one; nothing if that cannot be told on this machine."""

from __future__ import annotations

from typing import Final

from engine.errors import DeploymentError
from executions.deployed import deployed_registry

_MOST: Final = 500


def function_names() -> list[str]:
    """Return the full names of the deployed functions, in order."""
    try:
        return sorted(str(each.name) for each in deployed_registry().all_functions())[:_MOST]
    except DeploymentError:
        return []


def submittable(ffqn: str) -> bool:
    """Tell whether people may start a function as things are deployed now."""
    try:
        function = deployed_registry().find(ffqn)
    except DeploymentError:
        return False
    return function is not None and function.is_submittable
