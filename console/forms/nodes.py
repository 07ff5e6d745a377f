"""A form as templates show it: one node a part of the value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from console.forms.reading import MOST_ITEMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Actions on an item of a list; empty where there is none.

    Args:
        remove: Takes it away.
        up: Moves it up.
        down: Moves it down.
    """

    remove: str = ""
    up: str = ""
    down: str = ""


NO_MOVES: Final = Moves()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every part of a form has.

    Args:
        label: What people call it, in kebab-case; empty where its parent says that.
        type: Its WIT type, shortened.
        name: Of its input.
        problem: What is wrong with it; empty if nothing.
        moves: What can be done with it as an item of a list.
    """

    label: str
    type: str
    name: str
    problem: str
    moves: Moves


@dataclass(frozen=True, slots=True)
class Mode:
    """Another way to write a text: what a button says, and the action behind it."""

    label: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextNode:
    """One input.

    Args:
        head: See `Head`.
        value: What it holds.
        hint: What it takes.
        is_area: Whether it may have several lines.
        is_number: Whether narrow screens should show digits to type.
        marks: Inputs out of sight that say how it is read.
        modes: Other ways to write it.
        takes_file: Whether a file may be put in.
    """

    template: ClassVar[str] = "console/forms/text.html"
    head: Head
    value: str
    hint: str = ""
    is_area: bool = False
    is_number: bool = False
    marks: tuple[tuple[str, str], ...] = ()
    modes: tuple[Mode, ...] = ()
    takes_file: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: what is sent, what is shown, and whether it is chosen."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceNode:
    """One of several, with what the chosen one has.

    Args:
        head: See `Head`.
        options: The choices.
        is_select: Whether they are shown as a list to choose from.
        body: What the chosen one has.
        kept: Inputs of those that are not chosen: they are there again when somebody changes their mind.
    """

    template: ClassVar[str] = "console/forms/choice.html"
    head: Head
    options: tuple[Option, ...]
    is_select: bool = False
    body: Node | None = None
    kept: tuple[tuple[str, str], ...] = ()

    @property
    def has_inline_body(self) -> bool:
        """Whether what the chosen one has is one input, which stands beside the choices."""
        return isinstance(self.body, TextNode)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsNode:
    """Any number of several."""

    template: ClassVar[str] = "console/forms/flags.html"
    head: Head
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNode:
    """A record or tuple.

    Args:
        head: See `Head`.
        parts: In order.
        marks: As for `TextNode`.
        modes: As for `TextNode`.
    """

    template: ClassVar[str] = "console/forms/group.html"
    head: Head
    parts: tuple[Node, ...]
    marks: tuple[tuple[str, str], ...] = ()
    modes: tuple[Mode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNode:
    """A list with inputs for each item."""

    template: ClassVar[str] = "console/forms/list.html"
    head: Head
    count_name: str
    items: tuple[Node, ...]

    @property
    def is_full(self) -> bool:
        """Whether no item can be added."""
        return len(self.items) >= MOST_ITEMS


Node = TextNode | ChoiceNode | FlagsNode | GroupNode | ListNode
