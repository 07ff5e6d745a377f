"""What is wrong with a deployment, collected so that people see all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import DeploymentError


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestProblem:
    """One thing that is wrong with a deployment file or a file it names.

    Args:
        place: File, table and entry, such as ``deployment.toml: [[cron]] #1 "nightly"``.
        message: What is wrong there, and what would be right.
    """

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class DeploymentRefused(DeploymentError):
    """A deployment that cannot be activated; nothing was stored.

    Args:
        problems: One sentence each, at least one.
    """

    def __init__(self, problems: Sequence[object]) -> None:
        self.problems = tuple(_one_line(str(problem)) for problem in problems)
        super().__init__("\n".join(self.problems))


def _one_line(text: str) -> str:
    """Spell out line breaks and control characters: names and keys come from files, and end up on terminals."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
