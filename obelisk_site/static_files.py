"""WhiteNoise for both kinds of request handling.

WhiteNoise's own middleware is synchronous. In a chain that is otherwise asynchronous it costs every request two changes
of thread, and a view that waits without a thread would hold one all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from whitenoise.middleware import WhiteNoiseMiddleware

Handler = Callable[[HttpRequest], Any]


@sync_and_async_middleware
def static_files(get_response: Handler) -> Handler:
    """Return the middleware that serves the apps' files."""
    files: Any = WhiteNoiseMiddleware(get_response)
    if not iscoroutinefunction(get_response):
        handler: Handler = files
        return handler
    find: Callable[[HttpRequest], Awaitable[Any]] = sync_to_async(files)

    async def serve(request: HttpRequest) -> HttpResponseBase:
        is_file = request.path_info.startswith(files.static_prefix)
        answer = await find(request) if is_file else get_response(request)
        # Where there is no such file, it is the next handler's answer that is to come.
        found: HttpResponseBase = await answer if isawaitable(answer) else answer
        return found

    return serve
