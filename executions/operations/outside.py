"""Which functions nobody here carries out."""

from __future__ import annotations

from engine.deployment.spec import Runner
from engine.errors import DeploymentError
from executions.deployed import deployed_registry


def answered_outside() -> list[str]:
    """Return the full names of the deployed external activities; stubs are told by their component's type.

    Raises:
        DeploymentError: If it cannot be told what is deployed.
    """
    return [
        str(function.name)
        for function in deployed_registry().all_functions()
        if function.component.runner is Runner.NONE and function.is_submittable
    ]


def known_outside() -> frozenset[str]:
    """Return the same; nothing while it cannot be told what is deployed, which the pages of deployments say."""
    try:
        return frozenset(answered_outside())
    except DeploymentError:
        return frozenset()
