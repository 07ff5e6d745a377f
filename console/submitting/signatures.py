"""The names that authors gave to the types of their functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from components.deployed_rows import authored_names
from components.models import Component
from console.forms.short_types import Names
from engine.deployment.registry import DeployedFunction
from engine.wit.types import EnumType, FlagsType, RecordType, VariantType, WitType, without_defaults
from executions.deployed import deployed_registry

_NAMED: Final = (RecordType, VariantType, EnumType, FlagsType)


def names_by_component(functions: Iterable[DeployedFunction]) -> dict[str, Names]:
    """Return the names of types in the WIT of active components, by the component's name; one query for all.

    A component keeps the structure of its types only, so there are names where the deployment file has WIT for it, and
    which of two names for one structure a function means is not known: both are told.

    Args:
        functions: Functions of those components.
    """
    wanted = {function.component.id.name for function in functions}
    rows = Component.objects.filter(deployment_id=deployed_registry().deployment.id, name__in=wanted)
    return {row.name: _by_type(authored_names(row)) for row in rows.only("name", "config")}


def _by_type(types: Mapping[str, WitType]) -> Names:
    names: dict[WitType, str] = {}
    for name, each in types.items():
        if isinstance(each, _NAMED):
            structure = without_defaults(each)
            names[structure] = f"{names[structure]} or {name}" if structure in names else name
    return names
