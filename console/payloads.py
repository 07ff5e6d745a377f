"""Values that people stored, as pages show them: whole if they are short, by their beginning if they are long.

The one place where a value becomes HTML, beside the endpoint that hands out the rest of it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import msgspec
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.json_html import json_tree
from console.seeing import payload_about, shows
from console.visible import visible
from executions.access.scopes import Insight
from executions.models import Event

SHOWN: Final = 16_384
"""Characters of a value that are shown at once."""
_ON_ONE_LINE: Final = 100
"""Characters of a value that takes one line and not one for each entry."""
PIECE: Final = 65_536
"""Characters of each further piece."""


def value_url(execution_id: str, version: int, pointer: str = "") -> str:
    """Return where a value of an event is read: the event, or what a JSON pointer finds in it."""
    url = reverse("admin:console_value", args=[execution_id, version])
    return f"{url}?{urlencode({'at': pointer})}" if pointer else url


def payload_html(text: str, *, execution_id: str, version: int, pointer: str = "") -> SafeString:
    """Return a value as HTML, with the ways to copy and to download it; only type and size if values are not shown.

    Args:
        text: JSON text; of an event `Event.public_payload` or a part of it.
        execution_id: Whose event holds it.
        version: Which event.
        pointer: Where in the event it is, as a JSON pointer; empty for the event.
    """
    if not shows(Insight.PAYLOAD):
        return format_html('<p class="ob-subtle">{}</p>', payload_about(text))
    url = value_url(execution_id, version, pointer)
    if len(text) <= SHOWN:
        # What people stored in an event lies a few levels down.
        body = format_html(
            '<pre class="ob-value{}">{}</pre>',
            " ob-flat" if pointer and len(text) <= _ON_ONE_LINE else "",
            json_tree(text, open_levels=2 if pointer else 6),
        )
    else:
        body = piece_html(text, url=url, begin=0, length=SHOWN)
    return format_html(
        '<div class="ob-payload" data-value="{}" data-pointer="{}">{}{}</div>',
        url,
        pointer,
        _tools(url, len(text)),
        body,
    )


def piece_html(text: str, *, url: str, begin: int, length: int = PIECE) -> SafeString:
    """Return a piece of a long text, and the way to the next one."""
    end = begin + length
    left = len(text) - end
    more = ""
    if left > 0:
        query = urlencode({"piece": end})
        more = format_html(
            '<details class="ob-more" data-load="{}{}{}"><summary>Show the next {} of {} left</summary></details>',
            url,
            "&" if "?" in url else "?",
            query,
            f"{min(PIECE, left):,}",
            f"{left:,} characters",
        )
    return format_html('<pre class="ob-value ob-piece">{}</pre>{}', visible(text[begin:end]), more)


def value_at(event: Event, pointer: str) -> str:
    """Return a value of an event as it is stored, to the last digit.

    Args:
        event: The event.
        pointer: Where it is, as a JSON pointer.

    Raises:
        LookupError: If there is nothing.

    Source:
        RFC 6901.
    """
    text = event.public_payload.encode()
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        text = bytes(_member(text, name))
    return text.decode()


_RAW_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def _member(text: bytes, name: str) -> msgspec.Raw:
    try:
        if text.lstrip()[:1] != b"[":
            return _RAW_OBJECT.decode(text)[name]
        if not (name.isascii() and name.isdigit() and len(name) < 10):
            raise LookupError(name)
        return _RAW_LIST.decode(text)[int(name)]
    except msgspec.MsgspecError as error:
        raise LookupError(name) from error


def _tools(url: str, size: int) -> SafeString:
    cut = format_html('<span class="ob-subtle">{} characters</span>', f"{size:,}") if size > SHOWN else ""
    return format_html(
        '<div class="ob-value-tools">{}<code class="ob-pointer" hidden></code>'
        '<button class="ob-mini" type="button" data-copy-value>Copy value</button>'
        '<button class="ob-mini" type="button" data-copy-path hidden>Copy path</button>'
        '<a class="ob-mini" href="{}{}download=1" download>Download</a></div>',
        cut,
        url,
        "&" if "?" in url else "?",
    )
