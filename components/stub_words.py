"""What deployed stubs say to the people who answer them: a title, and the group that is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from components.config_codec import decode_config
from components.models import Component
from engine.deployment.spec import ComponentType


@dataclass(frozen=True, slots=True)
class StubWords:
    """What a stub's source says to people.

    Args:
        title: What they read above its form; ``None`` if nothing.
        group: Name of the group that is asked; ``None`` if nobody in particular.
    """

    title: str | None = None
    group: str | None = None


# What is stored of a deployment never changes.
@lru_cache(maxsize=4)
def stub_words(deployment_id: str) -> Mapping[str, StubWords]:
    """Return what the stubs of a deployment say, by the full names of their functions.

    Raises:
        DeploymentError: If it was stored by a version that this one cannot read.
    """
    stubs = Component.objects.filter(deployment=deployment_id, component_type=ComponentType.ACTIVITY_STUB.value)
    return {
        ffqn: StubWords(policy.title, policy.group)
        for config in stubs.values_list("config", flat=True)
        for ffqn, policy in decode_config(config).functions.items()
        if policy.title is not None or policy.group is not None
    }
