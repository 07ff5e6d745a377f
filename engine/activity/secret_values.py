"""Secrets, kept where they cannot be printed by accident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from engine.deployment.spec import AllowedHost


class SecretValue:
    """A secret text. It shows itself to nobody but `reveal`: not to ``repr``, ``str``, ``format``, pickle or a log.

    Args:
        text: The secret.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret, for the request that carries it and for those who take it out of texts."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not to be pickled")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPolicy:
    """What the operator of this machine lets all components do together.

    Args:
        allowed_hosts: Where requests may go, if the component's own rules allow it as well; empty denies all.
        secrets: Values by name.
        programs: Digests of the native programs that may be run, by component name; ``None`` allows every one.
    """

    allowed_hosts: tuple[AllowedHost, ...] = ()
    secrets: Mapping[str, SecretValue] = field(default_factory=dict)
    programs: Mapping[str, str] | None = field(default_factory=dict)
