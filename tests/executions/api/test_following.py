"""Waiting by HTTP: results as they come, preferences to wait, and server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient
from pytest_django import Settings

from executions import watching
from executions.access.tokens import revoke_token
from executions.api.following import preferred_wait
from executions.models import Execution
from executions.operations.answering import answer
from executions.operations.submitting import submit
from executions.watching import count_watches
from tests.executions.api.clients import Api
from tests.executions.deployments import ADD, deploy_declared

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("either_database")]

CALL = {"ffqn": ADD, "params": [1, []]}
PATIENCE_S = 20.0


@pytest.fixture
def api(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setattr(watching, "_LINGER_S", 0)
    deploy_declared(tmp_path)
    return Api()


class Follower:
    """An asynchronous client of the API."""

    def __init__(self, api: Api) -> None:
        self._client = AsyncClient()
        self._headers = {"Authorization": f"Bearer {api.token}", "Accept": "application/json"}

    async def get(self, path: str, **headers: str) -> Any:
        return await self._client.get(f"/v1/{path}", headers={**self._headers, **headers})

    async def post(self, path: str, body: object, **headers: str) -> Any:
        return await self._client.post(
            f"/v1/{path}",
            orjson.dumps(body),
            content_type="application/json",
            headers={**self._headers, **headers},
        )


async def finish(execution_id: str, result: object) -> None:
    await sync_to_async(answer)(execution_id, result)  # type: ignore[arg-type]  # ids are texts


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.001)


def run(steps: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return async_to_sync(steps)()


# --- The result as soon as it is there --------------------------------------------------------------------------------


def test_a_submission_can_be_followed_to_its_result(api: Api) -> None:
    async def steps() -> Any:
        response = await Follower(api).post("executions?follow=true", CALL)
        chunks = aiter(response.streaming_content)
        first = await anext(chunks)
        (row,) = [row async for row in Execution.objects.all()]
        await finish(row.pk, {"ok": 7})
        return response.status_code, first, [chunk async for chunk in chunks]

    status, first, rest = run(steps)

    assert (status, first) == (201, b"")
    assert orjson.loads(b"".join(rest)) == {"ok": 7}


def test_an_execution_can_be_followed_to_its_result(api: Api) -> None:
    execution_id = submit(ADD, [1, []]).execution_id

    async def steps() -> Any:
        response = await Follower(api).get(f"executions/{execution_id}?follow=true")
        await finish(execution_id, {"err": None})
        return response.status_code, b"".join([chunk async for chunk in response.streaming_content])

    status, body = run(steps)

    assert (status, orjson.loads(body)) == (200, {"err": None})


def test_what_has_ended_is_answered_at_once(api: Api) -> None:
    execution_id = submit(ADD, [1, []]).execution_id
    answer(execution_id, {"ok": 7})

    assert api.get(f"executions/{execution_id}?follow=true").json == {"ok": 7}
    assert api.get(f"executions/{execution_id}", Prefer="wait=60").json == {"ok": 7}


# --- Prefer: wait -----------------------------------------------------------------------------------------------------


def test_who_prefers_to_wait_gets_the_result(api: Api) -> None:
    execution_id = submit(ADD, [1, []]).execution_id

    async def steps() -> Any:
        waiting = asyncio.ensure_future(Follower(api).get(f"executions/{execution_id}", Prefer="wait=50"))
        await until(lambda: count_watches() == 1)
        await finish(execution_id, {"ok": 7})
        return await waiting

    response = run(steps)

    assert (response.status_code, response.json()) == (200, {"ok": 7})
    assert response["Preference-Applied"] == "wait=50"


def test_who_waits_in_vain_is_told_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.api.submit_views.preferred_wait", lambda _request: 0.01)
    execution_id = submit(ADD, [1, []]).execution_id

    early = api.get(f"executions/{execution_id}", Prefer="wait=1")
    accepted = api.post("executions", CALL, Prefer="wait=1")

    assert (early.status, early.code) == (425, "not_finished")
    assert accepted.status == 202
    assert accepted.headers["Location"] == f"/v1/executions/{accepted.json['ok']}"
    assert "Preference-Applied" not in accepted.headers


def test_a_submission_can_wait_for_its_result(api: Api) -> None:
    async def steps() -> Any:
        waiting = asyncio.ensure_future(Follower(api).post("executions", CALL, Prefer="wait=50"))
        await until(lambda: count_watches() == 1)
        (row,) = [row async for row in Execution.objects.all()]
        await finish(row.pk, {"ok": 7})
        return await waiting

    response = run(steps)

    assert (response.status_code, response.json()) == (201, {"ok": 7})
    assert response["Location"].startswith("/v1/executions/E_")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=10", 10),
        ("respond-async, wait=10", 10),
        ('WAIT="5"; x=1', 5),
        ("wait=3600", 60),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("await=7", 0),
        ("wait=ten", 0),
        ("", 0),
    ],
)
def test_the_preference_is_read_with_care(header: str, seconds: int) -> None:
    class Asked:
        headers = {"Prefer": header}

    assert preferred_wait(Asked()) == seconds  # type: ignore[arg-type]  # the headers are all it reads


# --- Server-sent events -----------------------------------------------------------------------------------------------


def parsed(stream: bytes) -> list[tuple[str, str | None, Any]]:
    found = []
    for block in stream.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "data" in fields:
            found.append((fields["event"], fields.get("id"), orjson.loads(fields["data"])))
    return found


async def follow(api: Api, execution_id: str, **headers: str) -> AsyncIterator[bytes]:
    response = await Follower(api).get(f"executions/{execution_id}/stream", **headers)
    assert (response.status_code, response["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    async for chunk in response.streaming_content:
        yield chunk


def test_a_stream_tells_what_happens_until_the_end(api: Api) -> None:
    execution_id = submit(ADD, [1, []]).execution_id

    async def steps() -> bytes:
        seen = b""
        async for chunk in follow(api, execution_id):
            seen += chunk
            if b'"pending_at"' in chunk:
                await finish(execution_id, {"ok": 7})
        return seen

    messages = parsed(run(steps))

    assert [(kind, number) for kind, number, _ in messages] == [
        ("event", "0"),
        ("status", None),
        ("event", "1"),
        ("status", None),
        ("result", None),
    ]
    assert messages[0][2]["event"]["created"]["ffqn"] == ADD
    assert messages[3][2]["pending_state"]["status"] == "finished"
    assert messages[4][2] == {"ok": 7}


def test_a_stream_is_resumed_behind_the_last_event(api: Api) -> None:
    execution_id = submit(ADD, [1, []]).execution_id
    answer(execution_id, {"ok": 7})

    async def steps() -> bytes:
        return b"".join([chunk async for chunk in follow(api, execution_id, **{"Last-Event-ID": "0"})])

    assert [(kind, number) for kind, number, _ in parsed(run(steps))] == [
        ("event", "1"),
        ("status", None),
        ("result", None),
    ]


def test_who_has_seen_everything_need_not_ask_again(api: Api) -> None:
    execution_id = submit(ADD, [1, []]).execution_id
    answer(execution_id, {"ok": 7})

    assert api.get(f"executions/{execution_id}/stream", **{"Last-Event-ID": "1"}).status == 204
    assert api.get(f"executions/{execution_id}/stream", **{"Last-Event-ID": "x"}).code == "invalid_cursor"


def test_a_client_that_leaves_is_forgotten(api: Api) -> None:
    execution_id = submit(ADD, [1, []]).execution_id

    async def steps() -> int:
        stream = follow(api, execution_id)
        await anext(stream)
        await anext(stream)
        watched = count_watches()
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        return watched

    assert run(steps) == 1
    assert count_watches() == 0


def test_a_token_that_is_revoked_meanwhile_is_told_nothing_more(api: Api) -> None:
    execution_id = submit(ADD, [1, []]).execution_id
    for_result = f"executions/{execution_id}?follow=true"

    async def steps() -> tuple[bytes, bytes]:
        events, result = follow(api, execution_id), await Follower(api).get(for_result)
        chunks = aiter(result.streaming_content)
        await anext(chunks)
        seen = b""
        async for chunk in events:
            seen += chunk
            if b'"pending_at"' in chunk:
                await sync_to_async(revoke_token)(api.token.split("_")[1])
                await finish(execution_id, {"ok": 4711})
        return seen, b"".join([chunk async for chunk in chunks])

    events, result = run(steps)

    assert [kind for kind, _, _ in parsed(events)] == ["event", "status"]
    assert result == b""


def test_a_person_who_may_see_it_no_more_is_told_nothing_more(api: Api, admin_user: User) -> None:
    execution_id = submit(ADD, [1, []]).execution_id
    answer(execution_id, {"ok": 4711})

    async def steps() -> list[list[str]]:
        found = []
        for is_active in (True, False):
            client = AsyncClient()
            await client.aforce_login(admin_user)
            response: Any = await client.get(f"/v1/executions/{execution_id}/stream")
            await User.objects.filter(pk=admin_user.pk).aupdate(is_active=is_active)
            stream = b"".join([chunk async for chunk in response.streaming_content])
            found.append([kind for kind, _, _ in parsed(stream)])
        return found

    assert run(steps) == [["event", "event", "status", "result"], []]


def test_there_is_a_most_of_followers(api: Api, settings: Settings) -> None:
    settings.OBELISK_API_FOLLOWERS = 0
    execution_id = submit(ADD, [1, []]).execution_id

    for path, headers in (
        (f"executions/{execution_id}/stream", {}),
        (f"executions/{execution_id}?follow=true", {}),
        (f"executions/{execution_id}", {"Prefer": "wait=5"}),
    ):
        refused = api.get(path, **headers)
        assert (refused.status, refused.code) == (503, "too_many_followers")
    for query, headers in (("?follow=true", {}), ("", {"Prefer": "wait=5"})):
        assert api.post(f"executions{query}", CALL, **headers).code == "too_many_followers"
    assert Execution.objects.count() == 1


def test_following_what_is_not_there_is_refused(api: Api) -> None:
    for path in (
        "executions/E_01KBNHM5FQW81KP5Y3XMNX31K4?follow=true",
        "executions/E_01KBNHM5FQW81KP5Y3XMNX31K4/stream",
    ):
        assert api.get(path).code == "execution_not_found"
