"""What pages and server say to each other, as JSON text; the tag ``t`` tells messages apart."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from console.timeline.answer import Timeline
from console.timeline.windows import MOST_OPEN_CHARACTERS

LONGEST_TEXT: Final = 2000
"""Characters of a text that a page sends."""

_Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
_Number = Annotated[int, Meta(ge=0, le=2**62)]


class _Message(Struct, frozen=True, kw_only=True, tag_field="t", forbid_unknown_fields=True):
    """Of either side."""


class Sub(_Message, frozen=True, kw_only=True, tag="sub"):
    """The page shows something, up to a cursor; it takes the place of what it showed before.

    Args:
        topic: What kind of page it is.
        subject: What it is about, such as an execution's id.
        view: Which part of it, such as a tab.
        cursor: How far the page is, by what it counts.
        keys: What is in sight, for lists.
        query: Which rows of the view, as the page's address says it.
        timeline: Which window of the timeline the page shows, as its script asks for it; empty if it shows none.
    """

    topic: _Text
    subject: _Text = ""
    view: _Text = ""
    cursor: dict[_Text, _Number] = {}
    keys: Annotated[list[_Text], Meta(max_length=500)] = []
    query: _Text = ""
    timeline: Annotated[str, Meta(max_length=2 * MOST_OPEN_CHARACTERS)] = ""


class Ack(_Message, frozen=True, kw_only=True, tag="ack"):
    """The page has taken a frame in."""

    n: int


class Hidden(_Message, frozen=True, kw_only=True, tag="hidden"):
    """Nobody looks at the page."""


class Visible(_Message, frozen=True, kw_only=True, tag="visible"):
    """Somebody looks at it again."""


class Held(_Message, frozen=True, kw_only=True, tag="held"):
    """Somebody wants nothing to change for now; ends with `Visible`."""


ClientMessage = Sub | Ack | Hidden | Visible | Held


class Hello(_Message, frozen=True, kw_only=True, tag="hello"):
    """The first message.

    Args:
        now: The server's clock.
        beat_s: How often it gives a sign of life.
        build: Differs when the console was updated.
    """

    now: datetime
    beat_s: float
    build: str


class Row(Struct, frozen=True, kw_only=True):
    """A row that is new, or that has changed.

    Args:
        into: Id of the element that holds the rows.
        key: Which one; a row of that key is replaced, and others are added at the end.
        html: The row.
    """

    into: str
    key: str
    html: str


class Frame(Struct, frozen=True, kw_only=True):
    """What came behind the cursor; sent with its number in front (`write_frame`), by which it is acknowledged.

    Args:
        now: The server's clock.
        cursor: How far the page is with it.
        rows: In order.
        regions: HTML by the id of the element that it replaces.
        skipped: How many rows were left out before these, since the page was too far behind.
        timeline: The window of the timeline that the page shows, if there is more in it.
        window: Which one that is, as the subscription says it.
        final: Whether nothing will ever follow.
    """

    now: datetime
    cursor: dict[str, int]
    rows: list[Row] = []
    regions: dict[str, str] = {}
    skipped: int = 0
    timeline: Timeline | None = None
    window: str = ""
    final: bool = False


class Beat(_Message, frozen=True, kw_only=True, tag="beat"):
    """A sign of life."""

    now: datetime


class Bye(_Message, frozen=True, kw_only=True, tag="bye"):
    """Why the connection ends.

    Args:
        why: For people; ``final`` when nothing will ever follow.
        again: Whether the page may come back by itself.
    """

    why: str
    again: bool = False


ServerMessage = Hello | Beat | Bye

_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
# Rendered HTML is a kind of string that the encoder does not know.
_encoder = msgspec.json.Encoder(enc_hook=str.__str__)


def read_message(text: str) -> ClientMessage:
    """Return the message that text holds.

    Raises:
        msgspec.MsgspecError: If it is none.
    """
    return _decoder.decode(text)


def write_message(message: ServerMessage | ClientMessage | Frame) -> str:
    """Return a message as text."""
    return _encoder.encode(message).decode()


def write_frame(n: int, frame: str) -> str:
    """Return a frame that was written already as the one of a number: pages that show the same differ in that alone."""
    return f'{{"t":"frame","n":{n},{frame[1:]}'
