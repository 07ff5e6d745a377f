"""Pages of what is deployed, when that cannot be read: by this version of the program, or on this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from console.pages import page
from engine.errors import DeploymentError

View = Callable[..., HttpResponse]

_STATUS = 503
"""As the API has it (`ProblemCode.DEPLOYMENT_UNUSABLE`)."""


def tells_what_is_unreadable(view: View) -> View:
    """Return a view that says in a page why what it shows cannot be read."""

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DeploymentError as error:
            return page(request, "code/unreadable.html", title="What is deployed", status=_STATUS, error=error)

    return told
