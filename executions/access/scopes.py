"""What a token or a person may do, in four steps; and what a person may see of what they may look at."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """A part of the API; none implies another."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"
    DEPLOY = "deploy"

    @property
    def codename(self) -> str:
        """The permission of Django that gives it to a person."""
        return f"api_{self.value}"


MEANINGS: Final[Mapping[Scope, str]] = {
    Scope.READ: "see executions, their logs and what is deployed",
    Scope.SUBMIT: "start executions",
    Scope.OPERATE: "cancel, pause, answer and otherwise change executions",
    Scope.DEPLOY: "submit and switch deployments",
}


class Insight(StrEnum):
    """A part of what `Scope.READ` shows that can be kept from people. Tokens see all of it."""

    PAYLOAD = "payload"
    SOURCE = "source"

    @property
    def codename(self) -> str:
        """The permission of Django that gives it to a person."""
        return f"view_{self.value}"


INSIGHTS: Final[Mapping[Insight, str]] = {
    Insight.PAYLOAD: "see values: parameters, results, events, log lines, variables, bodies",
    Insight.SOURCE: "see source code",
}

Right = Scope | Insight

ROLES: Final[Mapping[str, tuple[Right, ...]]] = {
    "viewer": (Scope.READ, *Insight),
    "operator": (Scope.READ, Scope.SUBMIT, Scope.OPERATE, *Insight),
    "deployer": (Scope.READ, Scope.DEPLOY, *Insight),
}
"""Groups of people, with what their members may do; who is in two of them may do both."""
