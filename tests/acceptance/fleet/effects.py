"""What many hosts run: calls that leave a trace outside, alone and in a row."""

from __future__ import annotations

from datetime import timedelta

from obelisk import activity, http, workflow

PACKAGE = "fleet:hosts"


@activity(max_retries=30, retry_backoff=timedelta(milliseconds=50), attempt_timeout=timedelta(seconds=3))
def effect(service: str, name: str) -> str:
    """Have a trace left; tells which one it is."""
    return http.post(f"{service}/{name}").raise_for_status().text


@workflow
def chain(service: str, name: str, count: int) -> list[str]:
    """Have several left, one after the other."""
    return [effect(service, f"{name}/{number}") for number in range(count)]
