"""What differs between two deployments, and what the newer one asks for that the older one did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from components.config_codec import ComponentConfig, decode_config
from components.interface_codec import decode_function
from components.manifest.interpolation import references
from components.models import Component, Deployment, Function
from components.services import is_cron
from engine.deployment.imports import format_function
from engine.deployment.limits import MIB, OPERATORS, ComponentLimits, key_of
from engine.deployment.webhooks import WebhookMount


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that both have, and that is not the same.

    Args:
        key: What it is: a configuration's key, or a function's name.
        before: What it was; ``None`` if it was not there.
        after: What it is now; ``None`` if it is not there any more.
    """

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentChange:
    """A component that both have, and that is not the same.

    Args:
        name: Its name.
        digests: What it was and is, if that changed; then it runs other code.
        config: What changed of its configuration, key by key.
    """

    name: str
    digests: tuple[str, str] | None
    config: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentDiff:
    """What differs between two deployments.

    Args:
        components_added: Names of components.
        components_removed: Names of components.
        components_changed: Those that both have.
        functions_added: Full names of functions.
        functions_removed: Full names of functions.
        functions_changed: Those with another type.
        newly_asked: Hosts, secrets and limits that are asked for now and were not before, one sentence each.
    """

    components_added: tuple[str, ...]
    components_removed: tuple[str, ...]
    components_changed: tuple[ComponentChange, ...]
    functions_added: tuple[str, ...]
    functions_removed: tuple[str, ...]
    functions_changed: tuple[Difference, ...]
    newly_asked: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not any(asdict(self).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Something that a component may do or use up.

    Args:
        component: Its name.
        what: What, in words that continue the name.
    """

    component: str
    what: str

    def __str__(self) -> str:
        return f"component {self.component} {self.what}"


def compare(before: Deployment | None, after: Deployment) -> DeploymentDiff:
    """Return what differs between two stored deployments.

    Args:
        before: The older one; ``None`` stands for one of nothing.
        after: The newer one.

    Raises:
        DeploymentError: If one was stored by a version that this one cannot read.
    """
    old, new = _components(before), _components(after)
    old_types, new_types = _function_types(before), _function_types(after)
    return DeploymentDiff(
        components_added=tuple(name for name in new if name not in old),
        components_removed=tuple(name for name in old if name not in new),
        components_changed=tuple(_changes(old, new)),
        functions_added=tuple(name for name in new_types if name not in old_types),
        functions_removed=tuple(name for name in old_types if name not in new_types),
        functions_changed=tuple(_differences(old_types, new_types, only_common=True)),
        newly_asked=tuple(map(str, _newly_asked(old, new))),
    )


def newly_asked(before: Deployment | None, after: Deployment) -> tuple[Asked, ...]:
    """Return what the components of a deployment may do or use up that those of another may not.

    Raises:
        DeploymentError: If one was stored by a version that this one cannot read.
    """
    return tuple(_newly_asked(_components(before), _components(after)))


def _components(deployment: Deployment | None) -> dict[str, Component]:
    if deployment is None:
        return {}
    return {row.name: row for row in deployment.components.order_by("position")}


def _function_types(deployment: Deployment | None) -> dict[str, str]:
    if deployment is None:
        return {}
    functions = Function.objects.filter(component__deployment=deployment).order_by("component__position", "position")
    return {each.ffqn: format_function(decode_function(each.params, each.return_type)) for each in functions}


def _changes(old: Mapping[str, Component], new: Mapping[str, Component]) -> Iterator[ComponentChange]:
    for name, after in new.items():
        before = old.get(name)
        if before is None:
            continue
        config = tuple(_differences(_flat(before.config), _flat(after.config)))
        digests = None if before.digest == after.digest else (before.digest, after.digest)
        if config or digests:
            yield ComponentChange(name=name, digests=digests, config=config)


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, only_common: bool = False
) -> Iterator[Difference]:
    for key in dict.fromkeys([*before, *after]):
        is_common = key in before and key in after
        if before.get(key) != after.get(key) and (is_common or not only_common):
            yield Difference(key=key, before=before.get(key), after=after.get(key))


def _flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return a stored configuration with its tables' keys joined by dots; lists are values."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _newly_asked(old: Mapping[str, Component], new: Mapping[str, Component]) -> Iterator[Asked]:
    for name, row in new.items():
        if is_cron(row):
            continue
        earlier = old.get(name)
        before = None if earlier is None or is_cron(earlier) else decode_config(earlier.config)
        known = set() if before is None else set(_asked(before))
        config = decode_config(row.config)
        asked = [*_asked(config), *_raised_limits(OPERATORS if before is None else before.limits, config.limits)]
        # Two rules for one host may say the same.
        yield from (Asked(component=name, what=what) for what in dict.fromkeys(asked) if what not in known)


def _asked(config: ComponentConfig) -> Iterator[str]:
    for rule in config.allowed_hosts:
        methods = "any method" if rule.methods is None else " ".join(rule.methods) or "no method"
        yield f"may send requests to {rule.pattern} ({methods})"
        yield from (f"may send the secret {secret} to {rule.pattern}" for secret in rule.secrets)
    if config.process is not None:
        yield "runs a native program"
        yield from (f"is given the secret {secret}" for secret in config.process.secrets)
    for variable in config.env_vars:
        names = (variable.key,) if variable.value is None else references(variable.value)
        yield from (f"is given the variable {name} of the server" for name in names)
    if config.webhook is not None:
        yield from _asked_requests(config.webhook)


def _asked_requests(mount: WebhookMount) -> Iterator[str]:
    for route in mount.routes:
        yield f"answers requests to {route.path or '/*'} ({' '.join(route.methods) or 'any method'})"
    if mount.verify is None:
        yield "answers requests that nobody has signed"


def _raised_limits(before: ComponentLimits, after: ComponentLimits) -> Iterator[str]:
    """Say which limits are higher than they were; a component without one has the operator's, the highest there is."""
    for each in fields(ComponentLimits):
        was, is_now = getattr(before, each.name), getattr(after, each.name)
        if was is None or (is_now is not None and is_now <= was):
            continue
        unit = MIB if each.name == "memory_bytes" else 1
        new = "what this site gives at most" if is_now is None else is_now // unit
        yield f"asks for {key_of(each.name)} = {new}, up from {was // unit}"
