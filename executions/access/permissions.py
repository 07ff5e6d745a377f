"""Which scope a request needs, and which insight."""

from __future__ import annotations

from collections.abc import Mapping

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from executions.access.principals import principal_of
from executions.access.scopes import INSIGHTS, Insight, Scope
from executions.api.problems import Problem, ProblemCode


class HasScope(BasePermission):
    """Lets those through that have what the view names for the method: a scope in ``scopes``, any in ``insights``."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the request may be carried out; the refusal names the scope."""
        scopes: Mapping[str, Scope] = getattr(view, "scopes", {})
        method = "GET" if request.method == "HEAD" else request.method
        needed = scopes.get(method or "")
        if principal_of(request.user) is None:
            return False
        if needed is None:
            # Of methods that the view does not have, it says so itself.
            name = (method or "").lower()
            return name not in view.http_method_names or not hasattr(view, name)
        require_scope(request, needed)
        insights: Mapping[str, Insight] = getattr(view, "insights", {})
        if (insight := insights.get(method or "")) is not None:
            require_insight(request, insight)
        return True


def require_scope(request: Request, scope: Scope) -> None:
    """Return if who sends a request has a scope: one that the request needs by what its body asks for, say.

    Raises:
        Problem: If not; names the scope.
    """
    principal = principal_of(request.user)
    if principal is None or scope not in principal.scopes:
        raise Problem(ProblemCode.MISSING_SCOPE, f"this needs the scope {scope.value}")


def sees(request: Request, insight: Insight) -> bool:
    """Tell whether who sends a request may see a part of what there is."""
    principal = principal_of(request.user)
    return principal is not None and insight in principal.insights


def require_insight(request: Request, insight: Insight) -> None:
    """Return if who sends a request may see a part of what there is.

    Raises:
        Problem: If not; names the permission.
    """
    if not sees(request, insight):
        text = f"this needs the permission {insight.codename}, to {INSIGHTS[insight]}"
        raise Problem(ProblemCode.MISSING_SCOPE, text)
