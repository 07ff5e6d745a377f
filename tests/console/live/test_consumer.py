"""The socket behind live pages, with real sessions, rows and commits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from autobahn.exception import Disconnected
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from structlog.testing import capture_logs

from console.live import consumer
from console.live.execution_topic import ExecutionTopic
from console.live.topics import Cursor, Update
from console.parts import fitting
from console.parts.fitting import MOST_BYTES
from engine.log import events as e
from engine.log.ids import JoinSetId
from executions.journal.journal import SqlJournal
from executions.models import LogLine
from executions.operations.pausing import pause, unpause
from obelisk_site.asgi import application
from tests.builders import (
    make_append,
    make_created,
    make_execution_id,
    make_finished,
    make_holder,
    make_join_next,
    make_locked,
    make_log_line,
    make_submit,
)
from tests.console.parts.families import store_family
from tests.engine.journal.commits import commit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("either_database")]

E1, E2 = make_execution_id(1), make_execution_id(2)
_PATIENCE_S = 20.0


class Page:
    """A browser's side of a socket."""

    def __init__(self, client: Client | None, *, origin: str = "http://localhost", app: Any = application) -> None:
        cookie = "" if client is None else client.cookies[settings.SESSION_COOKIE_NAME].value
        self.socket = WebsocketCommunicator(
            app,
            "/admin/live/",
            headers=[
                (b"origin", origin.encode()),
                (b"host", b"localhost"),
                (b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()),
            ],
        )

    async def __aenter__(self) -> Page:
        connected, _ = await self.socket.connect(timeout=_PATIENCE_S)
        assert connected
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.socket.disconnect()

    async def say(self, **message: Any) -> None:
        await self.socket.send_to(text_data=orjson.dumps(message).decode())

    async def hear(self) -> dict[str, Any]:
        """Return the next message that is no mere sign of life."""
        while True:
            message: dict[str, Any] = orjson.loads(await self.socket.receive_from(timeout=_PATIENCE_S))
            if message["t"] != "beat":
                return message

    async def watch(self, cursor: dict[str, int], view: str = "console_events", **more: Any) -> None:
        assert (await self.hear())["t"] == "hello"
        await self.subscribe(cursor, view, **more)

    async def subscribe(self, cursor: dict[str, int], view: str = "console_events", **more: Any) -> None:
        await self.say(t="sub", topic="execution", subject=E1, view=view, cursor=cursor, **more)

    async def frame(self) -> dict[str, Any]:
        """Return the next frame, acknowledged."""
        message = await self.hear()
        assert message["t"] == "frame", message
        await self.say(t="ack", n=message["n"])
        return message


def play(act: Callable[[], Awaitable[None]]) -> None:
    async_to_sync(act)()


async def in_thread(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await sync_to_async(call, thread_sensitive=True)(*args, **kwargs)


def keys(frame: dict[str, Any]) -> list[str]:
    return [row["key"] for row in frame["rows"]]


@pytest.fixture
def viewer(client_of: Callable[[str], Client]) -> Client:
    return client_of("viewer")


def submit_one(*events: Any) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created(), *events))


def test_what_came_behind_the_cursor_is_sent_and_then_what_is_new(viewer: Client) -> None:
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0})
            first = await page.frame()
            await in_thread(pause, E1)
            second = await page.frame()

            assert keys(first) == ["0"]
            assert keys(second) == ["1"]
            assert "Paused" in second["regions"]["head"]
            assert second["cursor"]["version"] == 2

    play(act)


def test_connecting_again_goes_on_at_the_cursor(viewer: Client) -> None:
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0})
            cursor = (await page.frame())["cursor"]
        for _ in range(3):
            await in_thread(pause, E1)
            await in_thread(unpause, E1)
        async with Page(viewer) as page:
            await page.watch(cursor)
            assert keys(await page.frame()) == ["1", "2", "3", "4", "5", "6"]

    play(act)


def test_until_a_frame_is_acknowledged_nothing_follows_and_then_all_of_it_at_once(viewer: Client) -> None:
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0})
            unacknowledged = await page.hear()
            for _ in range(5):
                await in_thread(pause, E1)
                await in_thread(unpause, E1)
            assert await page.socket.receive_nothing(timeout=0.5)
            await page.say(t="ack", n=unacknowledged["n"])
            assert keys(await page.frame()) == [str(version) for version in range(1, 11)]

    play(act)


def test_a_page_that_never_acknowledges_is_let_go(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "SLOW_S", 0.05)
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0})
            await page.hear()
            assert (await page.hear())["why"] == "The page did not keep up."

    play(act)


def test_who_may_see_values_and_who_may_not_are_read_for_apart(client_of: Callable[[str], Client]) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created(params='["a secret plan"]')))
    seeing, blind = client_of("viewer"), client_of("blind viewer")

    async def act() -> None:
        async with Page(seeing) as one, Page(blind) as other:
            # Both at once, so that they could be gathered.
            await asyncio.gather(one.watch({"version": 0}), other.watch({"version": 0}))
            shown, hidden = await asyncio.gather(one.frame(), other.frame())

            assert "a secret plan" in orjson.dumps(shown).decode()
            assert "a secret plan" not in orjson.dumps(hidden).decode()

    play(act)


def test_a_page_that_is_far_behind_gets_the_newest_and_the_number_of_the_others(viewer: Client) -> None:
    submit_one(*[event for _ in range(150) for event in (e.Paused(), e.Unpaused())])

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0})
            frame = await page.frame()
            assert (frame["skipped"], len(frame["rows"]), keys(frame)[-1]) == (241, 60, "300")

    play(act)


def test_the_end_of_an_execution_is_the_end_of_the_connection(viewer: Client) -> None:
    submit_one(make_locked(), make_finished())

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0})
            assert (await page.frame())["final"] is True
            assert (await page.hear()) == {"t": "bye", "why": "final", "again": False}

    play(act)


def log_a_line(message: str) -> None:
    SqlJournal.for_current_connection().add_log_lines([make_log_line(E1, message=message)])


def test_commits_of_others_cost_a_page_one_look_an_interval(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    submit_one()
    commit(SqlJournal.for_current_connection(), make_submit(E2, make_created()))
    looks: list[float] = []
    read = ExecutionTopic.read

    def note(topic: ExecutionTopic, cursor: Cursor, *, hidden: bool) -> Update | None:
        looks.append(time.monotonic())
        return read(topic, cursor, hidden=hidden)

    monkeypatch.setattr(ExecutionTopic, "read", note)

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({}, view="console_logs")
            await page.frame()
            begun = len(looks)
            for _ in range(20):
                await in_thread(pause, E2)
                await in_thread(unpause, E2)
            await in_thread(pause, E1)
            await page.frame()
            assert len(looks) - begun > 0

    play(act)

    # Looks are at multiples of the interval; the first after a quiet time is not.
    assert all(later - earlier > 0.02 for earlier, later in zip(looks[1:], looks[3:], strict=False))


@pytest.mark.parametrize("view", ["console_execution", "console_events", "console_timeline"])
def test_in_the_end_the_head_tells_of_all_that_a_flood_brought(viewer: Client, view: str) -> None:
    submit_one(make_locked())

    def flood(first: int) -> None:
        events = [e.JoinSetCreated(join_set_id=JoinSetId(f"n:{name}")) for name in range(first, first + 100)]
        append = make_append(E1, *events, expected=first, holder=make_holder())
        commit(SqlJournal.for_current_connection(), append)

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({}, view=view)
            await page.frame()
            for number in range(5):
                await in_thread(flood, 2 + 100 * number)
            while (await page.frame())["regions"].get("count-events") != "502":
                pass

    play(act)


def test_log_lines_arrive_although_they_move_nothing_on(viewer: Client) -> None:
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"logs": 0}, view="console_logs")
            await page.frame()
            await in_thread(
                lambda: SqlJournal.for_current_connection().add_log_lines([make_log_line(E1, message="<i>")])
            )
            (row,) = (await page.frame())["rows"]
            assert "&lt;i&gt;" in row["html"]

    play(act)


def test_a_filtered_page_gets_only_what_it_asks_for(viewer: Client) -> None:
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 1}, query="kind=unpaused")
            await page.frame()
            await in_thread(pause, E1)
            assert keys(await page.frame()) == []
            await in_thread(unpause, E1)
            assert keys(await page.frame()) == ["2"]

    play(act)


def test_a_page_that_nobody_looks_at_gets_its_head_and_later_all_the_rows(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "_HIDDEN_S", 0.05)
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 1})
            await page.frame()
            await page.say(t="hidden")
            await in_thread(pause, E1)
            summary = await page.frame()
            assert (keys(summary), summary["cursor"]["version"]) == ([], 1)
            assert "Paused" in summary["regions"]["tab-title"]
            # Somebody looks: the page says where it is, as when it connects.
            await page.subscribe(summary["cursor"])
            assert keys(await page.frame()) == ["1"]

    play(act)


def test_a_page_that_is_held_gets_nothing_until_it_goes_on(viewer: Client) -> None:
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 1})
            cursor = (await page.frame())["cursor"]
            await page.say(t="held")
            await in_thread(pause, E1)
            assert await page.socket.receive_nothing(timeout=0.5)
            await page.subscribe(cursor)
            assert keys(await page.frame()) == ["1"]

    play(act)


def test_more_log_lines_than_a_frame_holds_come_one_frame_after_the_other(viewer: Client) -> None:
    submit_one(make_locked(), make_finished())

    async def act() -> None:
        lines = [make_log_line(E1, message=f"line {number}") for number in range(250)]
        await in_thread(lambda: SqlJournal.for_current_connection().add_log_lines(lines))
        async with Page(viewer) as page:
            await page.watch({"logs": 0}, view="console_logs")
            frames = [await page.frame() for _ in range(3)]
            assert [len(keys(frame)) for frame in frames] == [100, 100, 50]
            assert len({key for frame in frames for key in keys(frame)}) == 250
            assert [frame["final"] for frame in frames] == [False, False, True]

    play(act)


def size_of(frame: dict[str, Any]) -> int:
    return sum(len(row["html"].encode()) for row in frame["rows"])


def test_long_log_lines_come_in_frames_of_bounded_size(viewer: Client) -> None:
    submit_one(make_locked(), make_finished())

    async def act() -> None:
        lines = [make_log_line(E1, message="<é>" * 5_000) for _ in range(12)]
        await in_thread(lambda: SqlJournal.for_current_connection().add_log_lines(lines))
        async with Page(viewer) as page:
            await page.watch({"logs": 0}, view="console_logs")
            frames = [await page.frame()]
            while not frames[-1]["final"]:
                frames.append(await page.frame())
            sent = [key for frame in frames for key in keys(frame)]
            assert (len(sent), len(set(sent))) == (12, 12)
            assert len(frames) > 1
            assert all(size_of(frame) <= MOST_BYTES for frame in frames)

    play(act)


def test_responses_that_do_not_fit_one_frame_come_with_the_next(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MOST_BYTES", 1)
    store_family(SqlJournal.for_current_connection())

    async def act() -> None:
        async with Page(viewer) as page:
            # Of what it shows the page may say anything: the first two changed since.
            await page.watch({"response": 2, "version": 7}, view="console_responses", keys=["1", "2"])
            assert [keys(await page.frame()) for _ in range(4)] == [["1"], ["2"], ["3"], ["4"]]

    play(act)


def test_a_line_that_was_committed_late_is_not_lost_nor_are_others_sent_twice(viewer: Client) -> None:
    submit_one()

    async def act() -> None:
        for message in ("first", "late", "last"):
            await in_thread(log_a_line, message)
        first, late, last = await in_thread(lambda: list(LogLine.objects.order_by("pk").values_list("pk", flat=True)))
        async with Page(viewer) as page:
            # The page was made before the one in the middle came into sight.
            await page.watch({"logs": last}, view="console_logs", keys=[str(first), str(last)])
            assert keys(await page.frame()) == [str(late)]
            await in_thread(log_a_line, "new")
            assert len(keys(await page.frame())) == 1

    play(act)


def test_a_response_on_the_page_changes_when_it_is_awaited(viewer: Client) -> None:
    store_family(SqlJournal.for_current_connection())

    async def act() -> None:
        async with Page(viewer) as page:
            # Of what it shows the page may say anything: it was made before.
            await page.watch({"response": 4, "version": 12}, view="console_responses", keys=["1", "4"])
            assert keys(await page.frame()) == ["1"]
            awaiting = make_append(E1, make_join_next(), expected=12, holder=make_holder(), seen=4)
            await in_thread(lambda: commit(SqlJournal.for_current_connection(), awaiting))
            (row,) = (await page.frame())["rows"]
            assert row["key"] == "4"
            assert "event 12" in row["html"]

    play(act)


def test_without_the_database_there_are_no_signs_of_life_and_the_page_may_come_back(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "BEAT_S", 0.02)
    monkeypatch.setattr(consumer, "RIGHTS_S", 0.02)
    submit_one()

    def broken(*_arguments: object) -> None:
        raise OperationalError("disk I/O error")

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0})
            await page.frame()
            monkeypatch.setattr(consumer, "answer", broken)
            monkeypatch.setattr(consumer, "rights_of", broken)
            while not await page.socket.receive_nothing(timeout=0.5):
                await page.socket.receive_from()
            await page.subscribe({})
            farewell = await page.hear()
            assert (farewell["why"], farewell["again"]) == ("The database does not answer.", True)

    play(act)


def test_rows_of_a_list_change_in_place(viewer: Client) -> None:
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            assert (await page.hear())["t"] == "hello"
            await page.say(t="sub", topic="executions", keys=[E1])
            await page.frame()
            await in_thread(pause, E1)
            (row,) = (await page.frame())["rows"]
            assert (row["into"], row["key"]) == ("executions", E1)
            assert "Paused" in row["html"]

    play(act)


@pytest.mark.parametrize(
    ("error", "failures"),
    [
        (Disconnected("Attempt to send on a closed protocol"), []),
        (BrokenPipeError(), []),
        (RuntimeError("out of order"), ["console.live_failed"]),
    ],
    ids=repr,
)
def test_a_page_that_has_gone_is_no_failure_and_other_errors_are(
    viewer: Client, error: Exception, failures: list[str]
) -> None:
    submit_one()
    is_gone, is_tried = asyncio.Event(), asyncio.Event()

    async def at_a_server(scope: Any, receive: Any, send: Any) -> None:
        async def send_while_there(message: dict[str, Any]) -> None:
            if is_gone.is_set():
                is_tried.set()
                raise error
            await send(message)

        await application(scope, receive, send_while_there)

    async def act() -> None:
        async with Page(viewer, app=at_a_server) as page:
            await page.watch({"version": 0})
            await page.frame()
            is_gone.set()
            await in_thread(pause, E1)
            await asyncio.wait_for(is_tried.wait(), _PATIENCE_S)
            is_tried.clear()
            await in_thread(unpause, E1)
            assert await page.socket.receive_nothing(timeout=0.5)
            assert not is_tried.is_set(), "nothing is sent any more"

    with capture_logs() as logs:
        play(act)
    assert [each["event"] for each in logs if each["log_level"] == "error"] == failures


@pytest.mark.parametrize("role", ["anonymous", "stranger"])
def test_whoever_may_not_see_pages_has_no_socket(client_of: Callable[[str], Client], role: str) -> None:
    client = client_of(role)
    if role == "anonymous":
        client.cookies[settings.SESSION_COOKIE_NAME] = "nonsense"

    async def act() -> None:
        page = Page(client)
        await page.socket.connect(timeout=_PATIENCE_S)
        assert (await page.hear())["t"] == "bye"
        assert (await page.socket.receive_output(timeout=_PATIENCE_S))["code"] == consumer.UNAUTHENTICATED

    play(act)


def test_pages_of_other_sites_have_no_socket(viewer: Client) -> None:
    async def act() -> None:
        connected, _ = await Page(viewer, origin="http://evil.test").socket.connect(timeout=_PATIENCE_S)
        assert connected is False

    play(act)


def lose_rights(how: str) -> None:
    user = User.objects.get(username="viewer")
    if how == "group":
        user.groups.clear()
    elif how == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        user.set_password("other")
        user.save()


@pytest.mark.parametrize("how", ["group", "deactivated", "password", "logout"])
def test_rights_that_are_lost_end_the_connection(viewer: Client, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "RIGHTS_S", 0.05)
    submit_one()

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0})
            await page.frame()
            if how == "logout":
                await in_thread(viewer.logout)
            else:
                await in_thread(lose_rights, how)
            assert "may not see this any more" in (await page.hear())["why"]

    play(act)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        '{"t":"unknown"}',
        '{"t":"sub","topic":"secrets"}',
        '{"t":"sub","topic":"execution","subject":"E_1","view":"console_events"}',
        f'{{"t":"sub","topic":"execution","subject":"{E1}","view":"other"}}',
        '{"t":"ack","n":"1"}',
        "x" * 100_000,
    ],
)
def test_what_is_no_message_ends_the_connection_with_the_reason(viewer: Client, text: str) -> None:
    async def act() -> None:
        page = Page(viewer)
        await page.socket.connect(timeout=_PATIENCE_S)
        assert (await page.hear())["t"] == "hello"
        await page.socket.send_to(text_data=text)
        assert (await page.hear())["why"].startswith("That is no message")
        assert (await page.socket.receive_output(timeout=_PATIENCE_S))["code"] == consumer.UNREADABLE

    play(act)


def test_a_page_lives_on_when_it_subscribes_to_something_else(viewer: Client) -> None:
    submit_one()
    other = make_execution_id(2)
    commit(SqlJournal.for_current_connection(), make_submit(other, make_created()))

    async def act() -> None:
        async with Page(viewer) as page:
            await page.watch({"version": 0})
            await page.frame()
            await page.say(t="sub", topic="execution", subject=other, view="console_events", cursor={"version": 0})
            assert other in (await page.frame())["regions"]["head"]
            await asyncio.sleep(0)

    play(act)
