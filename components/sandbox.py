"""A component's sandbox on this machine: its configuration with the environment's values filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from components.config_codec import ComponentConfig
from components.manifest.entries import EnvVar, HostRule
from components.manifest.interpolation import UnresolvedReference, interpolate
from components.problems import DeploymentRefused
from engine.deployment.routes import Pattern
from engine.deployment.spec import AllowedHost, SandboxPolicy


def resolve_sandbox(config: ComponentConfig, *, component: str, environ: Mapping[str, str]) -> SandboxPolicy:
    """Return what the sandbox offers.

    Raises:
        DeploymentRefused: If a variable is not set here or a pattern is none; carries every such problem.

    Source:
        Obelisk reference, sections 1.2 (``env_vars``) and 7.1.
    """
    problems = list(_problems(config, component=component, environ=environ))
    if problems:
        raise DeploymentRefused(problems)
    return SandboxPolicy(
        env_vars={variable.key: _value(variable, environ) for variable in config.env_vars},
        allowed_hosts=tuple(_host(rule, environ) for rule in config.allowed_hosts),
        stdout=config.stdout,
        stderr=config.stderr,
        stub_wasi=config.stub_wasi,
    )


def _problems(config: ComponentConfig, *, component: str, environ: Mapping[str, str]) -> Iterator[str]:
    for variable in config.env_vars:
        try:
            _value(variable, environ)
        except UnresolvedReference as error:
            yield f'component {component}, env_vars "{variable.key}": {error}'
    variables = {variable.key for variable in config.env_vars}
    yield from _route_problems(config, variables, component=component)
    for rule in config.allowed_hosts:
        for secret in sorted(variables.intersection(rule.secrets)):
            yield (
                f'component {component}, allowed_host "{rule.pattern}": the secret {secret} has the name of an '
                "environment variable in env_vars; the guest finds a secret's placeholder in the variable of its name"
            )
        place = f'component {component}, allowed_host "{rule.pattern}"'
        try:
            re.compile(_host(rule, environ).request_url_regex or "")
        except UnresolvedReference as error:
            yield f"{place}: {error}"
        except re.error as error:
            yield f"{place}: request_url_regex is not a regular expression: {error}"


def _route_problems(config: ComponentConfig, variables: set[str], *, component: str) -> Iterator[str]:
    """Refuse parameters that would take the place of what the deployment says: whoever calls would choose it."""
    secrets = {secret for rule in config.allowed_hosts for secret in rule.secrets}
    for route in config.webhook.routes if config.webhook is not None else ():
        for name in Pattern.parse(route.path).names:
            if name in variables or name in secrets:
                kind = "variable in env_vars" if name in variables else "secret"
                yield (
                    f'component {component}, routes "{route.path}": the parameter {name} has the name of a {kind}; '
                    "parameters are environment variables of the guest, so give it another name"
                )


def _value(variable: EnvVar, environ: Mapping[str, str]) -> str:
    if variable.value is not None:
        return interpolate(variable.value, environ)
    if variable.key not in environ:
        raise UnresolvedReference.not_set(variable.key)
    return environ[variable.key]


def _host(rule: HostRule, environ: Mapping[str, str]) -> AllowedHost:
    regex = rule.request_url_regex
    return AllowedHost(
        pattern=rule.pattern,
        methods=rule.methods,
        request_url_regex=None if regex is None else interpolate(regex, environ),
        secrets=rule.secrets,
        replace_in=rule.replace_in,
    )
