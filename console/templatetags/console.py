"""How the console writes states, ids, functions, times, durations and sizes: each in one way everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from html import escape
from typing import Final
from urllib.parse import quote

from django import template
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from console import seeing
from console.build import build_id
from console.json_html import json_tree, value_text
from console.linking import linked
from console.payloads import payload_html
from console.states import ShownState, shown_state
from console.visible import visible
from engine.log.ids import EXECUTION_PREFIX
from executions.models import Execution

register = template.Library()

_ULID_LENGTH: Final = 26
_SHOWN_HEAD: Final = 4
_SHOWN_TAIL: Final = 4
_IN_PATHS: Final = "!$&'()*+,;=/~:@"
"""What stands in an address's path as it is, besides letters and digits."""
_NOTHING: Final = mark_safe('<span class="ob-none">—</span>')
_UNITS: Final = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


@register.simple_tag
def state_badge(row: Execution, now: datetime | None = None) -> SafeString:
    """Return the badge of an execution's state."""
    return badge(shown_state(row, now or timezone.now()))


@register.filter
def badge(state: ShownState) -> SafeString:
    """Return a state as a badge: an icon and a word, which the colour only repeats."""
    return format_html(
        '<span class="ob-badge ob-{}"><span class="material-symbols-outlined" aria-hidden="true">{}</span>{}</span>',
        state.key,
        state.icon,
        state.word,
    )


@register.simple_tag
def value(text: str, execution_id: str, version: int, pointer: str = "") -> SafeString:
    """Return a value that people stored; see `payload_html`."""
    return payload_html(text, execution_id=execution_id, version=version, pointer=pointer)


@register.simple_tag
def console_build() -> str:
    """Return which build of the console made the page."""
    return build_id()


@register.filter
def execution_url(execution_id: str) -> str:
    """Return where an execution's page is: what `reverse` says, for the many rows of logs in a fraction of its time."""
    return f"{_executions_url(get_script_prefix())}{quote(execution_id, safe=_IN_PATHS)}/"


@lru_cache(maxsize=8)
def _executions_url(_prefix: str) -> str:
    return reverse("admin:console_executions")


@register.filter
def execution_link(execution_id: str) -> SafeString:
    """Return an execution's id as a link to its page."""
    return format_html('<a href="{}">{}</a>', execution_url(execution_id), short_id(execution_id))


@register.filter
def deployment_url(deployment_id: str) -> str:
    """Return where a deployment's page is."""
    return f"{reverse('admin:console_deployments')}{quote(deployment_id)}/"


@register.filter
def deployment_link(deployment_id: str) -> SafeString:
    """Return a deployment's id as a link to its page."""
    return format_html('<a href="{}">{}</a>', deployment_url(deployment_id), short_name(deployment_id))


@register.filter
def short_name(identifier: str) -> SafeString:
    """Return a deployment's or an executor's id whose middle is out of sight, but in the text."""
    head = len(identifier.partition("_")[0]) + 1
    first, last = identifier[: head + _SHOWN_HEAD], identifier[-_SHOWN_TAIL:]
    middle = identifier[head + _SHOWN_HEAD : -_SHOWN_TAIL]
    return format_html('<span class="ob-id" title="{}">{}{}{}</span>', identifier, first, _cut(middle), last)


@register.filter
def short_id(execution_id: str) -> SafeString:
    """Return an id whose middle is out of sight, but in the text: who selects it has all of it."""
    ulid_end = len(EXECUTION_PREFIX) + _ULID_LENGTH
    first, derived = execution_id[:ulid_end], execution_id[ulid_end:]
    ancestors, dot, member = derived.rpartition(".")
    shown = "".join(
        (
            escape(first[: len(EXECUTION_PREFIX) + _SHOWN_HEAD]),
            _cut(first[len(EXECUTION_PREFIX) + _SHOWN_HEAD : -_SHOWN_TAIL]),
            escape(first[-_SHOWN_TAIL:]),
            _cut(ancestors),
            escape(dot + member),
        )
    )
    return mark_safe(f'<span class="ob-id" title="{escape(execution_id)}">{shown}</span>')  # noqa: S308  # all is escaped


@register.filter
def short_trace(trace_id: str) -> SafeString:
    """Return a trace's id whose middle is out of sight, but in the text."""
    first, middle, last = trace_id[:8], trace_id[8:-_SHOWN_TAIL], trace_id[-_SHOWN_TAIL:]
    return format_html('<span class="ob-id" title="{}">{}{}{}</span>', trace_id, first, _cut(middle), last)


def _cut(text: str) -> SafeString:
    return mark_safe(f'<span class="ob-cut">{escape(text)}</span>' if text else "")  # noqa: S308  # it is escaped


@register.filter
def ffqn(name: str) -> SafeString:
    """Return a function's name: interface and function, and the package smaller beneath."""
    package, separator, rest = name.partition("/")
    if not separator:
        return format_html('<span class="ob-fn">{}</span>', name)
    return format_html('<span class="ob-fn" title="{}">{}<small>{}</small></span>', name, rest, package)


@register.filter
def short_ffqn(name: str) -> SafeString:
    """Return a function's name in one line: interface and function; the package is told on hover."""
    return format_html('<span title="{}">{}</span>', name, name.partition("/")[2] or name)


@register.simple_tag
def nothing() -> SafeString:
    """Return what stands where there is nothing to show: the same everywhere."""
    return _NOTHING


@register.filter
def or_nothing(shown: object) -> object:
    """Return what is to be shown, or that there is nothing: no value, or an empty text."""
    return _NOTHING if shown in (None, "") else shown


@register.filter
def moment(instant: datetime | None) -> SafeString:
    """Return how long ago something was, or how far off it is; the instant itself is told on hover and on focus."""
    if instant is None:
        return _NOTHING
    return format_html(
        '<time class="ob-time" tabindex="0" datetime="{}" title="{}">{}</time>',
        iso(instant),
        f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC",
        _relative(instant, timezone.now()),
    )


@register.filter
def iso(instant: datetime) -> str:
    """Return an instant for machines, in UTC."""
    return instant.astimezone(UTC).isoformat()


@register.filter
def duration(length: timedelta | None) -> str:
    """Return a duration such as ``340 ms``, ``4.1 s``, ``2 min 03 s`` or ``3 h 12 min``."""
    if length is None:
        return _NOTHING
    seconds = max(0.0, length.total_seconds())
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller, smaller_unit in _UNITS:
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest:02d} {smaller_unit}" if rest else f"{whole // size} {unit}"
    return f"{seconds:.1f} s"


@register.filter
def exact_duration(length: timedelta | None) -> SafeString:
    """Return a duration with its seconds for scripts."""
    if length is None:
        return _NOTHING
    return format_html('<data value="{}">{}</data>', length.total_seconds(), duration(length))


@register.filter
def filesize(count: int | None) -> str:
    """Return a number of bytes such as ``512 B`` or ``1.2 MB``."""
    if count is None:
        return _NOTHING
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def _relative(instant: datetime, now: datetime) -> str:
    away = instant - now
    if away > timedelta(seconds=1):
        return f"in {_rough(away)}"
    return f"{_rough(-away)} ago" if away < timedelta(seconds=-1) else "now"


def _rough(length: timedelta) -> str:
    seconds = round(length.total_seconds())
    for size, unit in ((86_400 * 2, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // (86_400 if unit == 'd' else size)} {unit}"
    return f"{seconds} s"


@register.filter
def thousands(number: int) -> str:
    """Return a number with its thousands apart, such as ``12,904``."""
    return f"{number:,}"


@register.filter
def ratio(number: float) -> str:
    """Return how many times as much something is, such as ``0.8`` or ``12``."""
    return f"{number:.0f}" if number >= 9.95 else f"{number:.1f}"


@register.filter
def microseconds(count: int) -> timedelta:
    """Return that many microseconds as a length of time."""
    return timedelta(microseconds=count)


@register.filter
def milliseconds(count: int) -> timedelta:
    """Return that many milliseconds as a length of time."""
    return timedelta(milliseconds=count)


@register.filter
def words(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


register.filter("json_tree", json_tree)
register.filter("payload", seeing.payload)
register.filter("payload_url", seeing.payload_url)
register.filter("visible", visible)
register.filter("linked", linked)
register.filter("value_text", value_text)
