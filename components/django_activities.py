"""The activities of the site's own Django apps: found in their ``activities.py``, part of every deployment.

They are described by their hints, as sandboxed Python is, and run by the executor's process itself, with the ORM.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from components.manifest.python_source import ATTEMPT_TIMEOUT
from components.manifest.shared_keys import DEFAULT_BACKOFF, DEFAULT_MAX_RETRIES
from components.problems import DeploymentRefused
from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    ExecPolicy,
    FunctionSpec,
    RetryPolicy,
    Runner,
)
from engine.errors import NameSyntaxError, TypeSyntaxError
from engine.wit.grammar import format_type, parse_type
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.types import FunctionType, Param
from obelisk.errors import Refused
from obelisk.functions import Function
from obelisk.names import wit_name

NAMESPACE = "django"
_MODULE = "activities"
_INTERFACE = "activities"
_DEFAULT_RETRY = RetryPolicy(max_retries=DEFAULT_MAX_RETRIES, backoff=DEFAULT_BACKOFF)


@dataclass(frozen=True, slots=True)
class DjangoActivities:
    """What the site's apps offer.

    Args:
        components: One for each app that has activities, in the order of the installed apps.
        functions: What the functions are, by full name.
    """

    components: tuple[ComponentSpec, ...] = ()
    functions: Mapping[str, Function[..., Any]] = field(default_factory=dict)


@lru_cache(maxsize=1)
def django_activities() -> DjangoActivities:
    """Return the activities of the installed apps, looked for once a process.

    Raises:
        DeploymentRefused: If one cannot be used; carries every problem, each with file and line.
    """
    return find_activities(apps.get_app_configs())


def name_of(function: Function[..., Any]) -> str | None:
    """Return the full name of a Django activity; ``None`` of another function.

    Raises:
        DeploymentRefused: As `django_activities` does.
    """
    return next((name for name, other in django_activities().functions.items() if other.fn is function.fn), None)


def find_activities(app_configs: Iterable[AppConfig]) -> DjangoActivities:
    """Return the activities of these apps.

    Raises:
        DeploymentRefused: As `django_activities` does.
    """
    problems: list[str] = []
    components: list[ComponentSpec] = []
    functions: dict[str, Function[..., Any]] = {}
    for app in app_configs:
        found = _activities_of(app, problems)
        specs: list[FunctionSpec] = []
        for function in found:
            try:
                spec = _function_spec(app, function)
            except (Refused, NameSyntaxError, TypeSyntaxError) as error:
                problems.append(f"{_place(function)}: {error}")
                continue
            if str(spec.name) in functions:
                problems.append(
                    f"{_place(function)}: {function.name}: two names become {spec.name}; rename one of them"
                )
                continue
            specs.append(spec)
            functions[str(spec.name)] = function
        if specs:
            components.append(_component(app, found, specs))
    if problems:
        raise DeploymentRefused(problems)
    return DjangoActivities(tuple(components), functions)


def _activities_of(app: AppConfig, problems: list[str]) -> list[Function[..., Any]]:
    if app.module is None or not module_has_submodule(app.module, _MODULE):
        return []
    module = import_module(f"{app.name}.{_MODULE}")
    found = []
    for value in vars(module).values():
        # What the module only imports is another's.
        if not isinstance(value, Function) or value.fn.__module__ != module.__name__:
            continue
        match value.kind:
            case "activity":
                found.append(value)
            case "imported":
                problems.append(
                    f"{_place(value)}: {value.name}: an activity is one step and calls nothing durable; "
                    "import it in the workflow"
                )
            case _:
                problems.append(
                    f"{_place(value)}: {value.name} is a {value.kind}, which has to be replayed in the sandbox; "
                    "put it into a file that a [[python]] table of the deployment names"
                )
    return found


def _function_spec(app: AppConfig, function: Function[..., Any]) -> FunctionSpec:
    signature, policy = function.signature, function.policy
    package = wit_name(app.label, place=f"the app label {app.label}")
    interface = InterfaceName(NAMESPACE, package, _INTERFACE)
    name = FunctionName.parse(str(FunctionName(interface, function.wit)))
    params = tuple(Param(param.wit, parse_type(param.codec.wit)) for param in signature.params)
    retry = _DEFAULT_RETRY
    if policy.max_retries is not None or policy.retry_backoff is not None:
        retry = RetryPolicy(
            max_retries=DEFAULT_MAX_RETRIES if policy.max_retries is None else policy.max_retries,
            backoff=policy.retry_backoff or DEFAULT_BACKOFF,
        )
    return FunctionSpec(
        name=name,
        type=FunctionType(params, parse_type(signature.result_wit)),
        retry=retry,
        lock_expiry=policy.attempt_timeout or ATTEMPT_TIMEOUT,
    )


def _component(app: AppConfig, found: list[Function[..., Any]], specs: list[FunctionSpec]) -> ComponentSpec:
    return ComponentSpec(
        id=ComponentId(
            component_type=ComponentType.ACTIVITY, name=f"{NAMESPACE}.{app.label}", digest=_digest(found, specs)
        ),
        runner=Runner.HOST,
        functions=tuple(specs),
        retry=_DEFAULT_RETRY,
        exec=ExecPolicy(lock_expiry=ATTEMPT_TIMEOUT),
        may_touch_world=True,
    )


def _digest(found: list[Function[..., Any]], specs: list[FunctionSpec]) -> str:
    """Return the identity of an app's activities: their file and their types; what the file imports is left out."""
    digest = hashlib.sha256()
    parts = ["django:activity", _source(found[0])]
    for spec in specs:
        parts += [str(spec.name), *(format_type(param.type) for param in spec.type.params)]
        assert spec.type.result is not None
        parts.append(format_type(spec.type.result))
    for part in parts:
        encoded = part.encode()
        digest.update(f"{len(encoded)}:".encode() + encoded)
    return f"sha256:{digest.hexdigest()}"


def _source(function: Function[..., Any]) -> str:
    path = Path(function.fn.__code__.co_filename)
    return path.read_text() if path.is_file() else ""


def _place(function: Function[..., Any]) -> str:
    path = Path(function.fn.__code__.co_filename)
    return f"{path.parent.name}/{path.name}:{function.line}"
