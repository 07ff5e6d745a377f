"""Ids in texts that people read, as links."""

from __future__ import annotations

import re
from typing import Final

from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from console.visible import visible
from engine.log.ids import EXECUTION_PREFIX
from executions.api.paths import DELAY_ID, EXECUTION_ID

_DIGEST: Final = "sha256:"
_SHOWN_HEADS: Final = {_DIGEST: 12, "Dep_": 4, "Exr_": 4}
"""Of what is long and not telling, how much is shown at its beginning."""
_ULID: Final = "[0-9A-Z]{26}"
_ID: Final = re.compile(
    rf"(?<![0-9A-Za-z_])(?:{EXECUTION_ID}|{DELAY_ID}|(?:Dep|Exr)_{_ULID}|sha256:[0-9a-f]{{64}})"
    r"(?![0-9A-Za-z_])"
)


def linked(text: str) -> SafeString:
    """Return text as HTML in which ids of executions, delays, deployments, executors and components are links."""
    pieces: list[str] = []
    end = 0
    for found in _ID.finditer(text):
        pieces.append(escape(visible(text[end : found.start()])))
        pieces.append(format_html('<a href="{}">{}</a>', id_url(found[0]), _shown(found[0])))
        end = found.end()
    pieces.append(escape(visible(text[end:])))
    return mark_safe("".join(pieces))  # noqa: S308  # every piece is escaped


def _shown(identifier: str) -> SafeString | str:
    """Return an id; the middle of what is long and not telling is out of sight, but in the text."""
    head = next((len(kind) + shown for kind, shown in _SHOWN_HEADS.items() if identifier.startswith(kind)), None)
    if head is None:
        return identifier
    return format_html('{}<span class="ob-cut">{}</span>{}', identifier[:head], identifier[head:-4], identifier[-4:])


def id_url(identifier: str) -> str:
    """Return where an id leads; whether it is there is found out by who follows it."""
    if identifier.startswith(EXECUTION_PREFIX):
        return reverse("admin:console_execution", args=[identifier])
    return reverse("admin:console_go_to", args=[identifier])
