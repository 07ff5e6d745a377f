"""What the site's pages may load and run, told to browsers: scripts of this site alone, and none within a page.

Whatever ends up in a page by mistake, such as the name of an execution, is then not run. Webhook endpoints answer
beside Django and say themselves what their pages may do.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

Handler = Callable[[HttpRequest], Any]

_HEADER: Final = "Content-Security-Policy"
_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


@sync_and_async_middleware
def content_policy(get_response: Handler) -> Handler:
    """Return the middleware that sends the policy, unless the view sends another."""
    if not iscoroutinefunction(get_response):

        def serve(request: HttpRequest) -> HttpResponseBase:
            return _with_policy(get_response(request))

        return serve

    async def serve_later(request: HttpRequest) -> HttpResponseBase:
        return _with_policy(await get_response(request))

    return serve_later


def _with_policy(response: HttpResponseBase) -> HttpResponseBase:
    # The page of the API is somebody else's, and brings styles within.
    inline = getattr(response, "has_inline_styles", False)
    policy = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'") if inline else _POLICY
    response.headers.setdefault(_HEADER, policy)
    return response
