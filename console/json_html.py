"""JSON as people read it: a tree that opens and closes, ids as links, numbers to the last digit.

Rendered here and not by the browser, whose numbers end at 2^53.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from console.seeing import payload, payload_about, shows
from console.visible import visible
from engine.log.ids import EXECUTION_PREFIX
from executions.access.scopes import Insight
from executions.api.paths import DELAY_ID, EXECUTION_ID

_MOST_CHARACTERS: Final = 16_384
"""Of one string; the whole of it is in the raw export."""
_MOST_ITEMS: Final = 1_000
_IDS: Final = re.compile(rf"{EXECUTION_ID}|{DELAY_ID}|(?:Dep|Exr)_[0-9A-Z]{{26}}|sha256:[0-9a-f]{{64}}")


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def json_tree(text: str, open_levels: int = 2) -> SafeString:
    """Return a value, given as JSON text, as HTML, open down to a level; only type and size if values are not shown."""
    if not shows(Insight.PAYLOAD):
        return format_html('<span class="ob-subtle">{}</span>', payload_about(text))
    value = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    return _node(value, closed_below=open_levels)


def linked(text: str) -> SafeString:
    """Return text that may hold values, in which ids lead to what they name; of a very long one the beginning."""
    if not shows(Insight.PAYLOAD):
        return format_html("{}", payload(text))
    pieces: list[tuple[SafeString | str]] = []
    shown = text[:_MOST_CHARACTERS]
    at = 0
    for found in _IDS.finditer(shown):
        pieces.append((visible(shown[at : found.start()]),))
        pieces.append((format_html('<a href="{}">{}</a>', _place_of(found[0]), found[0]),))
        at = found.end()
    pieces.append((visible(shown[at:]),))
    return format_html("{}{}", format_html_join("", "{}", pieces), _cut(len(text)))


def _place_of(named: str) -> str:
    if named.startswith(EXECUTION_PREFIX):
        return reverse("admin:console_execution", args=[named])
    return f"{reverse('admin:console_go')}?{urlencode({'q': named})}"


def _pointer_part(name: str) -> str:
    """Return a name as it stands in a JSON pointer, for addresses."""
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="", errors="replace")


def _cut(length: int) -> SafeString | str:
    cut = length - _MOST_CHARACTERS
    return format_html(' <em class="ob-subtle">{} more characters</em>', f"{cut:,}") if cut > 0 else ""


def _node(value: Any, *, closed_below: int) -> SafeString:
    match value:
        case _Number():
            return format_html('<span class="ob-json-number">{}</span>', str(value))
        case str():
            return _string(value)
        case dict():
            items = [
                format_html(
                    '<span class="ob-json-key" tabindex="0" data-name="{}">{}</span>: {}',
                    _pointer_part(key),
                    visible(key),
                    _node(item, closed_below=closed_below - 1),
                )
                for key, item in list(value.items())[:_MOST_ITEMS]
            ]
            return _composite("{", items, "}", total=len(value), closed_below=closed_below)
        case list():
            items = [_node(item, closed_below=closed_below - 1) for item in value[:_MOST_ITEMS]]
            return _composite("[", items, "]", total=len(value), closed_below=closed_below)
        case _:
            return format_html('<span class="ob-json-word">{}</span>', json.dumps(value))


def _string(value: str) -> SafeString:
    if _IDS.fullmatch(value):
        return format_html('<a class="ob-json-string" href="{}">"{}"</a>', _place_of(value), value)
    shown = visible(json.dumps(value[:_MOST_CHARACTERS], ensure_ascii=False))
    return format_html('<span class="ob-json-string">{}</span>{}', shown, _cut(len(value)))


def _composite(begin: str, items: list[SafeString], end: str, *, total: int, closed_below: int) -> SafeString:
    if not items:
        return format_html("{}{}", begin, end)
    left = total - len(items)
    more = format_html('<li class="ob-subtle">{} more</li>', f"{left:,}") if left else ""
    body = format_html_join("", "<li>{}</li>", ((item,) for item in items))
    return format_html(
        '<details class="ob-json"{}><summary>{}<span class="ob-json-closed"> {} {} </span></summary>'
        "<ul>{}{}</ul></details><span>{}</span>",
        mark_safe(" open") if closed_below > 0 else "",  # a constant
        begin,
        f"{total:,}",
        "entry" if total == 1 else "entries",
        body,
        more,
        end,
    )
