"""JSON as people read it: a tree that opens and closes, ids as links, numbers to the last digit.

Rendered here and not by the browser, whose numbers end at 2^53.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from console.seeing import payload_about, shows
from console.visible import visible
from executions.access.scopes import Insight
from executions.api.paths import EXECUTION_ID

_OPEN_LEVELS: Final = 2
_MOST_CHARACTERS: Final = 16_384
"""Of one string; the whole of it is in the raw export."""
_MOST_ITEMS: Final = 200
_EXECUTION: Final = re.compile(EXECUTION_ID)


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def json_tree(text: str) -> SafeString:
    """Return a value, given as JSON text, as HTML; only its type and size if values are not shown."""
    if not shows(Insight.PAYLOAD):
        return format_html('<span class="ob-subtle">{}</span>', payload_about(text))
    return _node(json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number), level=0)


def _node(value: Any, *, level: int) -> SafeString:
    match value:
        case _Number():
            return format_html('<span class="ob-json-number">{}</span>', str(value))
        case str():
            return _string(value)
        case dict():
            items = [
                format_html('<span class="ob-json-key">{}</span>: {}', visible(key), _node(item, level=level + 1))
                for key, item in list(value.items())[:_MOST_ITEMS]
            ]
            return _composite("{", items, "}", total=len(value), level=level)
        case list():
            items = [_node(item, level=level + 1) for item in value[:_MOST_ITEMS]]
            return _composite("[", items, "]", total=len(value), level=level)
        case _:
            return format_html('<span class="ob-json-word">{}</span>', json.dumps(value))


def _string(value: str) -> SafeString:
    if _EXECUTION.fullmatch(value):
        url = reverse("admin:console_execution", args=[value])
        return format_html('<a class="ob-json-string" href="{}">"{}"</a>', url, value)
    shown = visible(json.dumps(value[:_MOST_CHARACTERS], ensure_ascii=False))
    cut = len(value) - _MOST_CHARACTERS
    more = format_html(' <em class="ob-subtle">{} more characters</em>', f"{cut:,}") if cut > 0 else ""
    return format_html('<span class="ob-json-string">{}</span>{}', shown, more)


def _composite(begin: str, items: list[SafeString], end: str, *, total: int, level: int) -> SafeString:
    if not items:
        return format_html("{}{}", begin, end)
    left = total - len(items)
    more = format_html('<li class="ob-subtle">{} more</li>', f"{left:,}") if left else ""
    body = format_html_join("", "<li>{}</li>", ((item,) for item in items))
    return format_html(
        '<details class="ob-json"{}><summary>{}<span class="ob-json-closed"> {} {} </span></summary>'
        "<ul>{}{}</ul></details><span>{}</span>",
        mark_safe(" open") if level < _OPEN_LEVELS else "",  # a constant
        begin,
        f"{total:,}",
        "entry" if total == 1 else "entries",
        body,
        more,
        end,
    )
