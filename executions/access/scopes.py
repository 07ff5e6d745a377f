"""What a token or a person may do, in four steps."""

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

ROLES: Final[Mapping[str, tuple[Scope, ...]]] = {
    "viewer": (Scope.READ,),
    "operator": (Scope.READ, Scope.SUBMIT, Scope.OPERATE),
    "deployer": tuple(Scope),
}
"""Groups of people, with what their members may do."""
