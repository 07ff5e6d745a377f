from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.utils.module_loading import import_string
from pytest_django import Settings

FILE = "/static/admin/css/base.css"


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_files_are_served_to_either_kind_of_request(client: Client) -> None:
    response = client.get(FILE)

    assert response.status_code == 200
    assert b"body" in body_of(response)


def test_files_are_served_asynchronously() -> None:
    async def steps() -> tuple[int, bytes, int]:
        found: Any = await AsyncClient().get(FILE)
        body = found.streaming_content
        missing = await AsyncClient().get("/static/nowhere.css")
        return found.status_code, b"".join(body), missing.status_code

    status, body, missing = async_to_sync(steps)()

    assert (status, missing) == (200, 404)
    assert b"body" in body


def test_no_middleware_holds_a_thread_while_a_view_waits(settings: Settings) -> None:
    assert [path for path in settings.MIDDLEWARE if not import_string(path).async_capable] == []
