"""Which scope a request needs."""

from __future__ import annotations

from collections.abc import Mapping

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from executions.access.principals import principal_of
from executions.access.scopes import Scope
from executions.api.problems import Problem, ProblemCode


class HasScope(BasePermission):
    """Lets those through that have the scope which the view names for the method, in ``scopes``."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the request may be carried out; the refusal names the scope."""
        scopes: Mapping[str, Scope] = getattr(view, "scopes", {})
        method = "GET" if request.method == "HEAD" else request.method
        needed = scopes.get(method or "")
        principal = principal_of(request.user)
        if principal is None:
            return False
        if needed is None:
            # Of methods that the view does not have, it says so itself.
            name = (method or "").lower()
            return name not in view.http_method_names or not hasattr(view, name)
        if needed not in principal.scopes:
            raise Problem(ProblemCode.MISSING_SCOPE, f"this needs the scope {needed.value}")
        return True
