"""Who asks, whether a program with a token or a person who is logged in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from executions.access.scopes import Insight, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody whose credentials were checked.

    Args:
        key: Tells principals apart, such as ``token:7`` or ``user:1``.
        name: For people who read logs; holds no secret.
        actor: How what they did to executions is signed (`executions.models.OperationRecord.actor`).
        scopes: What they may do.
        user_id: The person's id; of a token, its maker's.
        insights: What they may see besides.
    """

    key: str
    name: str
    actor: str
    scopes: frozenset[Scope]
    user_id: int | None = None
    insights: frozenset[Insight] = frozenset(Insight)

    @property
    def is_authenticated(self) -> bool:
        """True; the framework asks this of whatever it takes for a user."""
        return True


def principal_of(user: Any) -> Principal | None:
    """Return who a request's ``user`` is, or ``None`` if nobody is logged in."""
    if isinstance(user, Principal):
        return user
    if user is None or not user.is_authenticated:
        return None
    name = user.get_username()
    return Principal(
        key=f"user:{user.pk}",
        name=name,
        actor=f"user:{name}",
        scopes=frozenset(scope for scope in Scope if user.has_perm(f"executions.{scope.codename}")),
        user_id=user.pk,
        insights=frozenset(insight for insight in Insight if user.has_perm(f"executions.{insight.codename}")),
    )
