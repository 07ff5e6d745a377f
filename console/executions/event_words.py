"""One line on each event: what happened, in the words that people use, with links to whom it concerns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.linking import id_url
from console.seeing import payload
from console.templatetags.console import duration, execution_link, filesize, short_name
from console.visible import visible
from engine.log import events as e
from engine.log.ids import ExecutionId
from engine.log.return_values import Failed, Returned, ReturnValue
from engine.log.schedules import At, In, Now
from executions.models import Event, Execution

_MOST_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """An event as a row of the log.

    Args:
        row: The event.
        icon: Ligature of the icon font.
        word: What kind it is.
        text: What happened.
        since: Since the execution's creation.
        is_bad: Whether something went wrong.
        gap: Since the event before it; ``None`` of the first one, and where nobody asked.
        size: Characters of it as it is stored; 0 where nobody asked.
    """

    row: Event
    icon: str
    word: str
    text: SafeString | str
    since: timedelta
    is_bad: bool = False
    gap: timedelta | None = None
    size: int = 0


def event_line(row: Event, created_at: datetime, *, previous_at: datetime | None = None, size: int = 0) -> EventLine:
    """Return an event as a row of the log.

    Args:
        row: The event.
        created_at: When its execution was created.
        previous_at: When the event before it was written.
        size: Characters of it.
    """
    event = row.entry().event
    icon, word, text = _described(event, row.created_at)
    return EventLine(
        row=row,
        icon=icon,
        word=word,
        text=text if isinstance(text, SafeString) else visible(text),
        since=row.created_at - created_at,
        is_bad=_is_bad(event),
        gap=None if previous_at is None else row.created_at - previous_at,
        size=size,
    )


def large_event_line(row: Event, created_at: datetime, *, previous_at: datetime | None, size: int) -> EventLine:
    """Return an event of which only the beginning was read as a row of the log; see `event_line`."""
    icon, word = _LARGE.get(row.history_event_type or row.variant, ("data_object", row.variant.replace("_", " ")))
    child = _CHILD.search(row.payload)
    about = format_html("{} {}, ", execution_link(ExecutionId(child[1])), child[2]) if child else ""
    failed = row.variant == "temporarily_failed"
    return EventLine(
        row=row,
        icon=icon,
        word=word,
        text=format_html("{}a value of {}", about, filesize(size)),
        since=row.created_at - created_at,
        is_bad=failed or (row.variant == "finished" and not row.payload.startswith('{"finished":{"retval":{"ok":')),
        gap=None if previous_at is None else row.created_at - previous_at,
        size=size,
    )


_LARGE: Final = {
    "created": ("add_circle", "created"),
    "finished": ("flag", "finished"),
    "temporarily_failed": ("autorenew", "attempt failed"),
    "join_set_request": ("call_split", "child submitted"),
}
"""Events that can hold what people stored: icon and word."""
_CHILD: Final = re.compile(r'^\{"history_event":.{0,400}?"child_execution_id":"([^"]+)","target_ffqn":"([^"]+)"')


def unwritten_line(row: Execution, *, version: int, at: datetime, encoded: str) -> EventLine:
    """Return an event that is not in an execution's log as if it were there.

    Args:
        row: The execution.
        version: Its place.
        at: When it would have happened.
        encoded: The event (`engine.log.event_encoding`).
    """
    return event_line(Event(execution_id=row.pk, version=version, created_at=at, payload=encoded), row.created_at)


def _is_bad(event: e.ExecutionEvent) -> bool:
    match event:
        case e.TemporarilyFailed() | e.TemporarilyTimedOut():
            return True
        case e.Finished(retval=Returned(ok=ok)):
            return not ok
        case e.Finished(retval=Failed()):
            return True
        case e.ComponentUpgradeFinished(failure=failure):
            return failure is not None
        case e.ChildRequested(error=error) | e.Scheduled(error=error) | e.Stubbed(error=error):
            return error is not None
        case _:
            return False


def _described(event: e.ExecutionEvent, at: datetime) -> tuple[str, str, SafeString | str]:
    match event:
        case e.Created(ffqn=ffqn):
            return "add_circle", "created", ffqn
        case e.Locked(executor_id=executor, run_id=run, lock_expires_at=until):
            text = format_html("by {}, {}, for {}", _link(executor), short_name(run), duration(until - at))
            return "play_arrow", "locked", text
        case e.Unlocked(reason=reason):
            return "lock_open", "unlocked", _short(reason)
        case e.TemporarilyFailed(reason=reason, backoff_expires_at=until):
            return "autorenew", "attempt failed", f"{_short(reason)} · again in {duration(until - at)}"
        case e.TemporarilyTimedOut(backoff_expires_at=until):
            return "timer_off", "attempt timed out", f"again in {duration(until - at)}"
        case e.Finished(retval=retval):
            return "flag", "finished", _ending(retval)
        case e.Paused():
            return "pause", "paused", ""
        case e.Unpaused():
            return "resume", "unpaused", ""
        case e.CancellationRequested():
            return "stop_circle", "cancellation requested", ""
        case e.ComponentUpgradeFinished(component_digest=digest, failure=failure):
            outcome = "" if failure is None else f" refused: {_short(failure)}"
            return "upgrade", "component version", f"{digest[:19]}…{outcome}"
        case _:
            return _history(event, at)


def _history(event: e.HistoryEvent, at: datetime) -> tuple[str, str, SafeString | str]:
    match event:
        case e.Persist(kind=kind):
            return "casino", "value recorded", type(kind).__name__
        case e.JoinSetCreated(join_set_id=join_set):
            return "workspaces", "join set created", join_set
        case e.ChildRequested(child_execution_id=child, target_ffqn=ffqn, error=error):
            problem = "" if error is None else f" refused: {_short(str(error))}"
            return "call_split", "child submitted", format_html("{} {}{}", execution_link(child), ffqn, problem)
        case e.DelayRequested(delay_id=delay, expires_at=until):
            return "schedule", "delay requested", format_html("{} for {}", _link(delay), duration(until - at))
        case e.JoinNext(join_set_id=join_set, requested_ffqn=ffqn, closing=closing):
            what = f" for {ffqn}" if ffqn else ""
            return "call_merge", "closing" if closing else "awaits", f"{join_set}{what}"
        case e.JoinNextTry(join_set_id=join_set, outcome=outcome):
            return "call_merge", "polls", f"{join_set}: {outcome.value.replace('_', ' ')}"
        case e.JoinNextTooMany(join_set_id=join_set):
            return "call_merge", "awaits", f"{join_set}: all responses were taken"
        case e.Scheduled(execution_id=other, target_ffqn=ffqn, schedule_at=when):
            text = format_html("{} {} {}", execution_link(ExecutionId(other)), ffqn, _when(when))
            return "event", "execution scheduled", text
        case e.Stubbed(target_execution_id=target):
            return "edit_note", "stub supplied", execution_link(target)
        case _:
            assert_never(event)


def _link(identifier: str) -> SafeString:
    """Return the id of an executor or a delay as a link."""
    return format_html('<a href="{}">{}</a>', id_url(identifier), short_name(identifier))


def _ending(retval: ReturnValue) -> str:
    match retval:
        case Returned(ok=ok, payload=result):
            value = "" if result is None else f": {_short(result.value)}"
            return f"{'ok' if ok else 'error'}{value}"
        case Failed(kind=kind, reason=reason):
            return f"{kind.value.replace('_', ' ')}{f': {_short(reason)}' if reason else ''}"


def _when(schedule: Now | In | At) -> str:
    match schedule:
        case Now():
            return "now"
        case In(duration=length):
            return f"in {duration(length)}"
        case At(instant=instant):
            return f"at {instant:%Y-%m-%d %H:%M:%S} UTC"


def _short(text: str) -> str:
    shown = payload(text)
    return shown if len(shown) <= _MOST_CHARACTERS else f"{shown[: _MOST_CHARACTERS - 1]}…"
