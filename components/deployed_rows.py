"""What is deployed, as rows: those of the active deployment, and unsaved ones of the site's own activities.

Django activities come and go with the program, not with a deployment, so nothing about them is stored.
"""

from __future__ import annotations

from collections.abc import Mapping

from components.config_codec import decode_config
from components.django_activities import django_activities
from components.interface_codec import encode_interfaces, encode_params
from components.models import Component, Deployment, Function, FunctionKind
from engine.deployment.registry import DeployedFunction
from engine.deployment.spec import ComponentSpec, ComponentType, FunctionSpec, Runner
from engine.wit.grammar import format_type
from engine.wit.names import InterfaceName
from engine.wit.types import FunctionType, WitType


def deployed_components() -> list[tuple[Component, list[Function]]]:
    """Return the components that can be called now with their functions, those of the deployment file first.

    Raises:
        DeploymentRefused: If an activity of an installed app cannot be used.
    """
    deployment = Deployment.objects.active().first()
    return [] if deployment is None else callable_components(deployment)


def callable_components(deployment: Deployment) -> list[tuple[Component, list[Function]]]:
    """Return the components of a deployment with their functions, and after them the activities of the installed apps.

    Raises:
        DeploymentRefused: If an activity of an installed app cannot be used.
    """
    return [*stored_components(deployment), *(_unsaved(spec) for spec in django_activities().components)]


def stored_components(deployment: Deployment) -> list[tuple[Component, list[Function]]]:
    """Return the components that a deployment file stands for with their functions, in its order."""
    rows = deployment.components.order_by("position").prefetch_related("functions")
    return [(row, sorted(row.functions.all(), key=lambda function: function.position)) for row in rows]


def function_rows(component: Component, spec: ComponentSpec) -> list[Function]:
    """Return unsaved rows of a component's functions."""
    return [
        Function(
            component=component,
            position=number,
            ffqn=str(function.name),
            kind=_kind(spec),
            params=encode_params(function.type),
            return_type=_return_type(function),
            submittable=DeployedFunction(function, spec).is_submittable,
        )
        for number, function in enumerate(spec.functions)
    ]


def authored_names(component: Component) -> Mapping[str, WitType]:
    """Return the names that a component's author gave to types.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read.
    """
    # Activities of installed apps have no configuration.
    return decode_config(component.config).type_names if component.config else {}


def _unsaved(spec: ComponentSpec) -> tuple[Component, list[Function]]:
    exports: dict[InterfaceName, dict[str, FunctionType]] = {}
    for function in spec.functions:
        exports.setdefault(function.name.interface, {})[function.name.function] = function.type
    component = Component(
        name=spec.id.name,
        component_type=spec.id.component_type.value,
        digest=spec.id.digest,
        runner=spec.runner.value,
        config={},
        imports=encode_interfaces({}),
        exports=encode_interfaces(exports),
    )
    return component, function_rows(component, spec)


def _kind(spec: ComponentSpec) -> FunctionKind:
    if spec.id.component_type is ComponentType.ACTIVITY and spec.runner is Runner.NONE:
        return FunctionKind.ACTIVITY_EXTERNAL
    return FunctionKind(spec.id.component_type.value)


def _return_type(function: FunctionSpec) -> str:
    assert function.type.result is not None  # verification refuses functions that return nothing
    return format_type(function.type.result)
