"""``wasi:http/types``, put together: requests, responses and their parts, both ways."""

from __future__ import annotations

from engine.host.wasi import http_body_calls, http_requests, http_responses
from engine.host.wasi.http_interface import HTTP

ANSWERED_BY = (http_requests, http_responses, http_body_calls)
"""Modules that define the functions when they are imported."""

TYPES_INTERFACE = HTTP.finish()
