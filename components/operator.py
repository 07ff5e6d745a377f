"""The operator's policy of this process, as the site's settings say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from components.operator_file import OperatorConfig, read_operator_config
from engine.activity.secret_values import OperatorPolicy
from engine.deployment.limits import MIB, RunLimits

_SITE_KEY = "DJANGO_SECRET_KEY"
"""Who has it can make what the site takes for its own, such as a link that resets a password."""


def operator_config() -> OperatorConfig:
    """Return what the operator configured, as it was when this process first asked.

    Raises:
        DeploymentRefused: If it cannot be used.
    """
    return _read(tuple(settings.OBELISK_OUTBOUND_HOSTS), settings.OBELISK_SERVER_CONFIG)


@lru_cache(maxsize=8)
def _read(patterns: tuple[str, ...], file: str) -> OperatorConfig:
    return read_operator_config(patterns, Path(file).expanduser() if file else None)


_taken: dict[str, str] = {}
"""Variables that were taken out of the environment, for whoever asks again in this process."""


def take_operator_policy() -> OperatorPolicy:
    """Return the policy with its secrets, and take their variables out of this process's environment.

    For the process that runs guests: what is not there cannot leak into a child process or a page of settings.

    Raises:
        DeploymentRefused: If the configuration cannot be used, or a secret's variable is not set.
    """
    config = operator_config()
    policy = config.resolve({**_taken, **os.environ})
    for variable in config.secret_variables.values():
        if variable in os.environ:
            _taken[variable] = os.environ.pop(variable)
    return policy


def has_secret(name: str) -> bool:
    """Tell whether this process has a secret that the operator's file declares, without looking at its value.

    Raises:
        DeploymentRefused: If the configuration cannot be used.
    """
    variable = operator_config().secret_variables.get(name)
    return variable is not None and (variable in _taken or variable in os.environ)


def operator_limits() -> RunLimits:
    """Return what one run may use up at most."""
    return RunLimits(
        memory_bytes=settings.OBELISK_MEMORY_MIB * MIB,
        fuel=settings.OBELISK_FUEL or None,
        output_bytes=settings.OBELISK_OUTPUT_BYTES,
        log_lines=settings.OBELISK_LOG_LINES,
        params_bytes=settings.OBELISK_PARAMS_BYTES,
        result_bytes=settings.OBELISK_RESULT_BYTES,
    )


def visible_environ() -> Mapping[str, str]:
    """Return the environment that deployments may refer to: this process's own, without secrets and the site's key."""
    hidden = {_SITE_KEY, *operator_config().secret_variables.values()}
    return {name: value for name, value in os.environ.items() if name not in hidden}
