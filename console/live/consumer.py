"""The socket behind a live page.

One frame is under way at a time: until the page has acknowledged it, the server remembers nothing but that there is
more. So no queue can grow, however slow the page is and however much happens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import structlog
from autobahn.exception import Disconnected
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from msgspec import MsgspecError
from msgspec.structs import replace

from console.build import build_id
from console.live.batch_topic import BatchTopic
from console.live.dashboard_topic import DashboardTopic
from console.live.execution_topic import ExecutionTopic
from console.live.executors_topic import ExecutorsTopic
from console.live.list_topic import ListTopic
from console.live.messages import (
    Ack,
    Beat,
    Bye,
    Held,
    Hello,
    Hidden,
    ServerMessage,
    Sub,
    Visible,
    read_message,
    write_frame,
    write_message,
)
from console.live.reading import answer, reading
from console.live.rehearsal_topic import RehearsalTopic
from console.live.rights import rights_of
from console.live.schedule_topics import SchedulesTopic, ScheduleTopic
from console.live.sharing import shared_reading
from console.live.task_topics import InboxTopic, TaskTopic
from console.live.topics import Cursor, Topic, TopicMaker, Update
from console.live.webhook_topics import DeliveriesTopic, DeliveryTopic, WebhooksTopic
from console.seeing import NOTHING, showing
from executions.access.scopes import Insight


def _until_next(interval_s: float) -> float:
    """Return the seconds to the next moment at which all pages look: together, they need to be read for but once."""
    return interval_s - time.monotonic() % interval_s


log = structlog.get_logger(__name__)

BEAT_S: Final = 5.0
RIGHTS_S: Final = 10.0
SLOW_S: Final = 30.0
"""How long a page may take to acknowledge a frame."""
_HIDDEN_S: Final = 5.0
"""Least time between frames for a page that nobody looks at."""
_FLOODED: Final = 2
"""How many times as long a page waits for the next frame when more happens than anybody can read."""
_LONGEST_MESSAGE: Final = 64 << 10

_GONE: Final = (Disconnected, OSError)
"""What a server says to whoever sends to a page that has gone: Daphne the one, others the other, as ASGI has it."""

NO_LAYER: Final = ""
"""Not among ``CHANNEL_LAYERS``."""

UNAUTHENTICATED: Final = 4401
UNREADABLE: Final = 4400
NO_RIGHTS: Final = 4403
SLOW: Final = 4408
AWAY: Final = 4503
DONE: Final = 1000

TOPICS: Final[Mapping[str, TopicMaker]] = {
    "dashboard": DashboardTopic,
    "execution": ExecutionTopic,
    "executions": ListTopic,
    "tasks": InboxTopic,
    "task": TaskTopic,
    "rehearsal": RehearsalTopic,
    "batch": BatchTopic,
    "schedules": SchedulesTopic,
    "schedule": ScheduleTopic,
    "executors": ExecutorsTopic,
    "webhooks": WebhooksTopic,
    "deliveries": DeliveriesTopic,
    "delivery": DeliveryTopic,
}


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One page's connection."""

    # What is told to pages comes from the database. A channel layer of Redis would end them whenever that is away.
    channel_layer_alias = NO_LAYER

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._session_key: str | None = None
        self._insights: frozenset[Insight] = NOTHING
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._acknowledged = asyncio.Event()
        self._sent = 0
        self._is_hidden = False
        self._is_over = False

    async def dispatch(self, message: Any) -> None:
        """Hand a message to the method for it.

        Channels closes a thread's old database connections before; whatever is read here is on other threads, which
        keep theirs (`console.live.reading`).
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Let people in who may see the pages."""
        self._session_key = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME)
        # Accepted first: before that, a browser is told no reason.
        await self.accept()
        try:
            insights = await self._rights()
        except DatabaseError as error:
            await self._leave(error)
            return
        if insights is None:
            await self._end(UNAUTHENTICATED, "You are not logged in, or may not see this.")
            return
        self._insights = insights
        await self._say(Hello(now=timezone.now(), beat_s=BEAT_S, build=build_id()))
        self._start(self._beat())
        self._start(self._check_rights())

    async def disconnect(self, code: int) -> None:
        """Stop everything that was done for the page."""
        self._stop()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a message of the page."""
        if self._is_over:
            return
        if text_data is None or len(text_data) > _LONGEST_MESSAGE:
            await self._end(UNREADABLE, "That is no message.")
            return
        try:
            message = read_message(text_data)
            match message:
                case Sub():
                    await self._subscribe(message)
                case Ack(n=n):
                    if n == self._sent:
                        self._acknowledged.set()
                case Hidden() | Visible():
                    self._is_hidden = isinstance(message, Hidden)
                case Held():
                    # It subscribes again from where it is.
                    self._stop_following()
        except (MsgspecError, ValueError) as error:
            await self._end(UNREADABLE, f"That is no message: {error}")
        except DatabaseError as error:
            await self._leave(error)

    async def _subscribe(self, sub: Sub) -> None:
        maker = TOPICS.get(sub.topic)
        if maker is None:
            raise ValueError(f"there is no topic {sub.topic}")
        topic = maker(sub)
        if not await self._is_still_allowed():
            return
        self._stop_following()
        self._is_hidden = False
        self._following = self._start(self._follow(topic, replace(sub, cursor={}), dict(sub.cursor)))

    async def _follow(self, topic: Topic, sub: Sub, cursor: Cursor) -> None:
        view = write_message(sub)
        again_s = BEAT_S
        async with topic.waker() as waker:
            while True:
                update = await self._read(topic, (sub.topic, sub.subject), view, cursor)
                if update is not None:
                    await self._send_update(update)
                    cursor = update.cursor
                    again_s = min(BEAT_S, update.again_s)
                    if update.final:
                        await self._end(DONE, "final")
                        return
                # Also if nothing was new: what others commit in a flood wakes pages that it does not concern.
                await asyncio.sleep(_until_next(self._interval_s(topic, update)))
                if update is not None:
                    if not await self._is_acknowledged():
                        await self._end(SLOW, "The page did not keep up.", again=True)
                        return
                    if update.is_behind:
                        continue
                await waker.next(timeout_s=again_s)

    def _interval_s(self, topic: Topic, update: Update | None) -> float:
        if self._is_hidden:
            return _HIDDEN_S
        # What goes by too fast to be read need not go by so often.
        is_flooded = update is not None and update.is_flooded
        return topic.interval_s * _FLOODED if is_flooded else topic.interval_s

    async def _read(self, topic: Topic, about: tuple[str, str], view: str, cursor: Cursor) -> Update | None:
        hidden, insights = self._is_hidden, self._insights

        def read(behind: Cursor) -> Update | None:
            with showing(insights):
                return topic.read(behind, hidden=hidden)

        try:
            if topic.remembers:
                return await reading(lambda: read(cursor))
            # What is made for one page is another's only if they may see the same.
            return await shared_reading().read((*about, insights), (view, hidden), cursor, read)
        except DatabaseError as error:
            # Without signs of life the page will know that it is out of date.
            log.warning("console.database_failed", error=str(error))
            return None

    async def _send_update(self, update: Update) -> None:
        self._sent += 1
        self._acknowledged.clear()
        await self._tell(write_frame(self._sent, update.frame))

    async def _is_acknowledged(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(SLOW_S):
                await self._acknowledged.wait()
        return self._acknowledged.is_set()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            # Without the database a page is out of date: it learns that from the silence.
            if await self._has_database():
                await self._say(Beat(now=timezone.now()))

    async def _has_database(self) -> bool:
        try:
            await reading(answer)
        except DatabaseError as error:
            log.warning("console.database_failed", error=str(error))
            return False
        return True

    async def _check_rights(self) -> None:
        while True:
            await asyncio.sleep(RIGHTS_S)
            with suppress(DatabaseError):  # then nothing can be read either
                if not await self._is_still_allowed():
                    return

    async def _is_still_allowed(self) -> bool:
        """Tell whether the page may go on as it was begun; if not, end it."""
        insights = await self._rights()
        if insights is None:
            await self._end(NO_RIGHTS, "You were logged out, or may not see this any more.")
        elif insights != self._insights:
            await self._end(NO_RIGHTS, "What you may see has changed; load the page again.")
        return insights == self._insights

    async def _rights(self) -> frozenset[Insight] | None:
        key = self._session_key
        return await reading(lambda: rights_of(key))

    async def _say(self, message: ServerMessage) -> None:
        await self._tell(write_message(message))

    async def _tell(self, text: str) -> None:
        try:
            await self.send(text_data=text)
        except _GONE as error:
            # People close pages while something is on its way to them. That the page has gone is told besides.
            log.debug("console.page_gone", error=str(error))
            self._stop()

    async def _leave(self, error: DatabaseError) -> None:
        log.warning("console.database_failed", error=str(error))
        await self._end(AWAY, "The database does not answer.", again=True)

    async def _end(self, code: int, why: str, *, again: bool = False) -> None:
        if not self._is_over:
            self._is_over = True
            await self._say(Bye(why=why, again=again))
            await self.close(code)

    def _stop(self) -> None:
        self._is_over = True
        for task in self._tasks:
            task.cancel()

    def _stop_following(self) -> None:
        if self._following is not None:
            self._following.cancel()
        self._acknowledged.set()

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The page will know that it is out of date, as no signs of life come any more.
            log.error("console.live_failed", exc_info=error)
            self._stop()
