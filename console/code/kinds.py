"""The kinds of component as people see them: a word and an icon."""

from __future__ import annotations

from dataclasses import dataclass

from engine.deployment.spec import ComponentType, Runner


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of component.

    Args:
        key: Its name in the API.
        word: In sentence case.
        icon: Ligature of the icon font.
    """

    key: str
    word: str
    icon: str


def kind_of(component_type: ComponentType) -> Kind:
    """Return how a kind is shown."""
    match component_type:
        case ComponentType.WORKFLOW:
            return Kind(component_type.value, "Workflow", "account_tree")
        case ComponentType.ACTIVITY:
            return Kind(component_type.value, "Activity", "bolt")
        case ComponentType.ACTIVITY_STUB:
            return Kind(component_type.value, "Stub", "person_raised_hand")
        case ComponentType.WEBHOOK_ENDPOINT:
            return Kind(component_type.value, "Webhook", "webhook")
        case ComponentType.CRON:
            return Kind(component_type.value, "Schedule", "schedule")


def runner_words(runner: Runner) -> str:
    """Return what carries out a component's functions, in words."""
    match runner:
        case Runner.WASM:
            return "compiled, in the sandbox"
        case Runner.SOURCE:
            return "source, by an interpreter in the sandbox"
        case Runner.PROCESS:
            return "a native program, in a process of its own"
        case Runner.HOST:
            return "this site's own code, outside the sandbox"
        case Runner.NONE:
            return "nobody here: its results are brought from outside"
