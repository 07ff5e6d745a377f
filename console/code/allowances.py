"""What a component may reach, what it is given, and what its runs may use up, beside what this site gives at most."""

from __future__ import annotations

from dataclasses import dataclass, fields

from components.config_codec import ComponentConfig
from components.manifest.interpolation import references
from components.operator import operator_config, operator_limits
from engine.deployment.limits import ComponentLimits, key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret that a component asks for; nothing here knows its value.

    Args:
        name: Its name.
        used: What for, in words.
        is_declared: Whether the operator's file has it.
    """

    name: str
    used: str
    is_declared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of a guest's environment.

    Args:
        key: Its name there.
        value: Its value with references unresolved; ``None`` forwards the server's variable of that name.
        read: The server's variables that it is made of.
    """

    key: str
    value: str | None
    read: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of a component's runs.

    Args:
        key: What sets it in a deployment file.
        own: What the component asks for; ``None`` takes the site's.
        site: What the site gives at most; ``None`` if it does not count that.
    """

    key: str
    own: int | None
    site: int | None

    @property
    def effective(self) -> int | None:
        """What holds."""
        if self.own is None or self.site is None:
            return self.site
        return min(self.own, self.site)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowances:
    """What a component may reach, is given, and may use up."""

    secrets: tuple[Secret, ...]
    variables: tuple[Variable, ...]
    limits: tuple[Limit, ...]


def allowances_of(config: ComponentConfig) -> Allowances:
    """Return what a configuration allows on this machine.

    Raises:
        DeploymentRefused: If the operator's configuration cannot be used.
    """
    declared = operator_config().secret_variables
    site = operator_limits()
    return Allowances(
        secrets=tuple(
            Secret(name=name, used="; ".join(uses), is_declared=name in declared)
            for name, uses in sorted(_uses_of_secrets(config).items())
        ),
        variables=tuple(
            Variable(
                key=each.key,
                value=each.value,
                read=(each.key,) if each.value is None else references(each.value),
            )
            for each in config.env_vars
        ),
        limits=tuple(
            Limit(
                key=key_of(each.name),
                own=getattr(config.limits, each.name),
                site=getattr(site, each.name),
            )
            for each in fields(ComponentLimits)
        ),
    )


def _uses_of_secrets(config: ComponentConfig) -> dict[str, list[str]]:
    uses: dict[str, list[str]] = {}
    for rule in config.allowed_hosts:
        for name in rule.secrets:
            places = " and ".join(place.value for place in rule.replace_in)
            uses.setdefault(name, []).append(f"sent to {rule.pattern} in {places}")
    if config.process is not None:
        for name in config.process.secrets:
            uses.setdefault(name, []).append("given to its program")
    if config.webhook is not None and config.webhook.verify is not None:
        for name in config.webhook.verify.secrets:
            uses.setdefault(name, []).append(f"checks signatures ({config.webhook.verify.provider.value})")
    return uses
