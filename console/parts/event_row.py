"""An event's row of the log, for the page and for frames alike.

Code rather than a template: in a flood of events most of a web process's time went into rows, and this takes a seventh.
"""

from __future__ import annotations

from datetime import UTC
from functools import lru_cache
from html import escape
from typing import Final
from urllib.parse import quote

from django.urls import get_script_prefix, reverse
from django.utils.safestring import SafeString, mark_safe

from console.executions.event_words import EventLine
from console.templatetags.console import duration, iso, nothing

_ROW: Final = (
    '<tr id="event-{version}" data-key="{version}" data-open-url="{url}"{look}>'
    '<td class="ob-opener"><button type="button" class="ob-twist" aria-expanded="false" data-open '
    'title="Show all of it"><span class="ob-visually-hidden">Show event {version}</span></button></td>'
    '<td class="ob-num"><a href="#v{version}">{version}</a></td>'
    '<td class="ob-num ob-when"><time datetime="{at}" title="{at_shown} UTC">{since}</time></td>'
    '<td class="ob-num ob-gap ob-subtle">{gap}</td>'
    '<td class="ob-kind"><span class="material-symbols-outlined ob-icon" aria-hidden="true">{icon}</span>{word}</td>'
    '<td class="ob-sentence">{text}</td>'
    '<td class="ob-join-set">{join_set}</td>'
    "</tr>"
)
_JOIN_SET: Final = '<a class="ob-label" href="?join_set={asked}" title="Only {name}">{name}</a>'


def event_row(line: EventLine) -> SafeString:
    """Return an event as a row of the log; whatever stands in it is escaped, but for HTML that was made as such."""
    row = line.row
    html = _ROW.format(
        version=row.version,
        url=f"{_events_url(row.execution_id, get_script_prefix())}{row.version}/",
        look=' class="ob-row-bad"' if line.is_bad else "",
        at=escape(iso(row.created_at)),
        at_shown=f"{row.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}",
        since=duration(line.since),
        gap="" if line.gap is None else f"+{duration(line.gap)}",
        icon=_html(line.icon),
        word=_html(line.word),
        text=_html(line.text) or nothing(),
        join_set="" if row.join_set_id is None else _join_set(row.join_set_id),
    )
    return mark_safe(html)  # noqa: S308  # every piece is


@lru_cache(maxsize=64)
def _events_url(execution_id: str, _prefix: str) -> str:
    """Return what the addresses of an execution's events begin with, escaped: finding it takes as long as a row."""
    return escape(reverse("admin:console_event", args=[execution_id, 0])).removesuffix("0/")


def _join_set(join_set_id: str) -> str:
    return _JOIN_SET.format(asked=quote(join_set_id), name=escape(join_set_id))


def _html(text: str) -> str:
    return text if isinstance(text, SafeString) else escape(text)
