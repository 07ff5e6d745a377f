"""What a component asks of this machine's operator and does not get."""

from __future__ import annotations

from components.config_codec import ComponentConfig
from components.operator import operator_limits
from components.operator_file import OperatorConfig


def limit_problems(component: str, config: ComponentConfig) -> list[str]:
    """Return which limits are higher than the operator's."""
    return [f"component {component}: {problem}" for problem in operator_limits().problems(config.limits)]


def secret_problems(component: str, config: ComponentConfig, operator: OperatorConfig) -> list[str]:
    """Return which secrets the operator does not declare."""
    asked = {("allowed_host", name) for rule in config.allowed_hosts for name in rule.secrets}
    if config.process is not None:
        asked |= {("secrets", name) for name in config.process.secrets}
    if config.webhook is not None and config.webhook.verify is not None:
        asked |= {("verify", name) for name in config.webhook.verify.secrets}
    return [
        f"component {component}, {key}: the operator's file declares no secret {name}; add "
        f'[secrets] {name} = {{ env = "VARIABLE" }} to the file that OBELISK_SERVER_CONFIG names'
        for key, name in sorted(asked)
        if name not in operator.secret_variables
    ]
