"""Finding a function of the active deployment by its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from engine.deployment.spec import ComponentSpec, ComponentType, DeploymentSpec, FunctionSpec, RetryPolicy
from engine.errors import DeploymentError, NameSyntaxError
from engine.wit.json_values import read_params
from engine.wit.names import FunctionName
from engine.wit.options import JsonValue
from engine.wit.types import FunctionType


@dataclass(frozen=True, slots=True)
class DeployedFunction:
    """A function together with the component that exports it.

    Attributes:
        name: Its fully qualified name.
        export: The name under which the component exports the function's interface.
        type: Its parameters and result.
        retry: When its failed runs are tried again.
        lock_expiry: Longest time one run of it may take.
    """

    spec: FunctionSpec
    component: ComponentSpec
    # Every step asks for these.
    name: FunctionName = field(init=False, repr=False, compare=False)
    export: str = field(init=False, repr=False, compare=False)
    type: FunctionType = field(init=False, repr=False, compare=False)
    retry: RetryPolicy = field(init=False, repr=False, compare=False)
    lock_expiry: timedelta = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look up what the function has of its own and what it has of its component."""
        spec, component = self.spec, self.component
        for attribute, value in (
            ("name", spec.name),
            ("export", str(spec.name.interface)),
            ("type", spec.type),
            ("retry", spec.retry or component.retry),
            ("lock_expiry", component.exec.lock_expiry if spec.lock_expiry is None else spec.lock_expiry),
        ):
            object.__setattr__(self, attribute, value)

    def read_params(self, data: object) -> list[JsonValue]:
        """Check the parameters of a call and return the canonical values; those with defaults may be left out.

        Raises:
            ValueMismatch: If they do not fit.
        """
        return read_params(self.type, data, optional=self.spec.optional_params)

    @property
    def is_submittable(self) -> bool:
        """Whether people and clients may start it: everything but stubs."""
        return self.component.id.component_type is not ComponentType.ACTIVITY_STUB


class Registry:
    """All functions of one deployment, by their text name.

    Raises:
        DeploymentError: Two components export the same function.
    """

    def __init__(self, deployment: DeploymentSpec) -> None:
        self.deployment = deployment
        self._functions: dict[str, DeployedFunction] = {}
        for component in deployment.components:
            for function in component.functions:
                key = str(function.name)
                if key in self._functions:
                    other = self._functions[key].component.id.name
                    raise DeploymentError(f"components {other} and {component.id.name} both export {key}")
                self._functions[key] = DeployedFunction(function, component)

    def find(self, ffqn: str) -> DeployedFunction | None:
        """Return the function of this name, or ``None``."""
        return self._functions.get(ffqn)

    def all_functions(self) -> tuple[DeployedFunction, ...]:
        """Return every primary function, in deployment order."""
        return tuple(self._functions.values())

    def explain_missing(self, ffqn: str) -> str:
        """Return one sentence on why a name is not found, with the nearest names that exist."""
        try:
            FunctionName.parse(ffqn)
        except NameSyntaxError as error:
            return f"{ffqn!r} is not a function name: {error}"
        tail = ffqn.rsplit(".", 1)[-1]
        near = [name for name in self._functions if name.rsplit(".", 1)[-1] == tail]
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        return f"no function {ffqn} is deployed{hint}"
