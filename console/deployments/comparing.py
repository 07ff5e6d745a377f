"""The page of what differs between two deployments."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from console.access import needs
from console.code.unreadable import tells_what_is_unreadable
from console.deployments.differences import differences
from console.deployments.finding import found
from console.pages import page
from executions.access.scopes import Scope


@needs(Scope.READ)
@tells_what_is_unreadable
def comparison(request: HttpRequest, before: str, after: str) -> HttpResponse:
    """Show what the second has that the first has not, and the other way round."""
    old, new = found(before), found(after)
    return page(
        request,
        "deployments/comparison.html",
        title="What differs",
        before=old,
        after=new,
        differences=differences(old, new),
    )
