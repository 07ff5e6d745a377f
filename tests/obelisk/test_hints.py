"""What hints mean, and what is said of those that say too little."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    TypedDict,
    TypeVar,
    get_type_hints,
)
from uuid import UUID

import pytest

from engine.wit.grammar import format_type, parse_type
from engine.wit.json_values import dump_value, load_json, read_value
from obelisk import Json, Refused, char, f32, u8, u16
from obelisk.codecs import Codec, Mismatch
from obelisk.hints import HintReader, evaluated_hints

T = TypeVar("T")


class Color(enum.Enum):
    DARK_RED = 1
    blue = 2


class Rights(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


@dataclass
class Trip:
    city: str
    nights: int = 1
    from_: date | None = None


@dataclass
class Longer(Trip):
    stops: list[str] = field(default_factory=list)


@dataclass
class Card:
    number: str


@dataclass
class Cash:
    pass


class Point(NamedTuple):
    x: int
    y: int = 0


class Options(TypedDict):
    name: str
    size: NotRequired[int]


@dataclass
class Page(Generic[T]):
    items: list[T]


@dataclass
class Lines(Page[str]):
    count: int


@dataclass
class Node:
    children: list[Node]


UserId = NewType("UserId", str)
NOON = datetime(2026, 1, 2, 12, 0, 0, 5, tzinfo=UTC)


def read(hint: Any) -> Codec:
    return HintReader().read(hint, "f(x)")


@pytest.mark.parametrize(
    ("hint", "wit", "value", "data"),
    [
        (bool, "bool", True, True),
        (str, "string", "é", "é"),
        (float, "f64", 1.5, 1.5),
        (float, "f64", 2, 2.0),
        (int, "s64", -3, -3),
        (u8, "u8", 255, 255),
        (f32, "f32", 0.5, 0.5),
        (char, "char", "x", "x"),
        (bytes, "list<u8>", b"\x00\xff", [0, 255]),
        (str | None, "option<string>", None, None),
        (list[int], "list<s64>", [1, 2], [1, 2]),
        (tuple[int, ...], "list<s64>", (1, 2), [1, 2]),
        (tuple[int, str], "tuple<s64, string>", (1, "a"), [1, "a"]),
        (dict[str, int], "list<tuple<string, s64>>", {"b": 1, "a": 2}, [["b", 1], ["a", 2]]),
        (
            Trip,
            "record { city: string, nights?: s64, %from?: option<string> }",
            Trip("Rome", 2, date(2026, 1, 2)),
            {"city": "Rome", "nights": 2, "from": "2026-01-02"},
        ),
        (
            Longer,
            "record { city: string, nights?: s64, %from?: option<string>, stops?: list<string> }",
            Longer("Rome", stops=["Bonn"]),
            {"city": "Rome", "nights": 1, "from": None, "stops": ["Bonn"]},
        ),
        (Point, "record { x: s64, y?: s64 }", Point(1, 2), {"x": 1, "y": 2}),
        (Options, "record { name: string, size: option<s64> }", {"name": "a"}, {"name": "a", "size": None}),
        (Page[int], "record { items: list<s64> }", Page([1]), {"items": [1]}),
        (Lines, "record { items: list<string>, count: s64 }", Lines(["a"], 1), {"items": ["a"], "count": 1}),
        (Card | Cash, "variant { card(record { number: string }), cash }", Card("1"), {"card": {"number": "1"}}),
        (Card | Cash, "variant { card(record { number: string }), cash }", Cash(), "cash"),
        (Card | Cash | None, "option<variant { card(record { number: string }), cash }>", None, None),
        (Color, "enum { dark-red, blue }", Color.DARK_RED, "dark_red"),
        (Rights, "flags { read, write }", Rights.READ | Rights.WRITE, ["read", "write"]),
        (Literal["a", "b-c"], "enum { a, b-c }", "b-c", "b_c"),
        (datetime, "string", NOON, "2026-01-02T12:00:00.000005Z"),
        (date, "string", date(2026, 1, 2), "2026-01-02"),
        (time, "string", time(12, 30), "12:30:00"),
        (Decimal, "string", Decimal("1.20"), "1.20"),
        (UUID, "string", UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (timedelta, "f64", timedelta(seconds=1, microseconds=500_000), 1.5),
        (Json, "string", {"b": [1], "a": None}, '{"a":null,"b":[1]}'),
        (UserId, "string", "u1", "u1"),
        (Annotated[int, "a note"], "s64", 1, 1),
    ],
)
def test_values_travel_as_their_wit_type_says(hint: Any, wit: str, value: Any, data: Any) -> None:
    codec = read(hint)
    wit_type = parse_type(codec.wit)

    encoded = codec.encode(value)

    assert format_type(wit_type) == format_type(parse_type(wit))
    assert encoded == data
    # The host reads it as it is, and what comes back through its text is the same value.
    stored = read_value(wit_type, encoded)
    assert codec.decode(load_json(dump_value(wit_type, stored))) == value


def test_a_moment_of_another_zone_is_told_in_utc() -> None:
    codec = read(datetime)

    assert codec.encode(NOON.astimezone(timezone(timedelta(hours=2)))) == "2026-01-02T12:00:00.000005Z"


def test_a_field_with_a_default_may_be_missing_in_older_values() -> None:
    assert read(Trip).decode({"city": "Rome"}) == Trip("Rome")


@pytest.mark.parametrize(
    ("hint", "value", "problem"),
    [
        (int, "3", "f(x): expected int, got '3'"),
        (int, True, "f(x): expected int, got True"),
        (u16, 70_000, "f(x): expected u16 (0 to 65535), got 70000"),
        (int, 2**63, f"f(x): expected int of 64 bits ({-(2**63)} to {2**63 - 1}), got {2**63}"),
        (float, float("nan"), "f(x): expected a finite float, got nan"),
        (str, "a\0b", "f(x): a str must not contain NUL characters here"),
        (str, "\ud800", "f(x): expected str, got a lone surrogate at index 0"),
        (bool, 1, "f(x): expected bool, got 1"),
        (list[Trip], [Trip("a"), Trip("b", nights="3")], "f(x)[1].nights: expected int, got '3'"),  # type: ignore[arg-type]
        (tuple[int, str], (1,), "f(x): expected a tuple of 2, got (1,)"),
        (dict[str, int], {"a": "b"}, "f(x)['a']: expected int, got 'b'"),
        (Card | Cash, Trip("a"), "f(x): expected Card or Cash, got Trip(city='a', nights=1, from_=None)"),
        (Literal["a"], "b", "f(x): expected 'a', got 'b'"),
        (
            datetime,
            datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
            "f(x): expected a datetime of the years 1 to 9999 in UTC, got datetime.datetime(9999, 12, 31, 23, 59, ...",
        ),
        (datetime, datetime(2026, 1, 1), "f(x): a datetime needs a time zone; write e.g. datetime.now(timezone.utc)"),  # noqa: DTZ001
        (Options, {"nam": "a"}, "f(x): Options has no key 'nam'"),
        (Color, 1, "f(x): expected Color, got 1"),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_part(hint: Any, value: Any, problem: str) -> None:
    with pytest.raises(Mismatch) as caught:
        read(hint).encode(value)

    assert caught.value.sentence("f(x)") == problem


class Doubled(enum.Enum):
    AB = 1
    Ab = 2


@dataclass
class Tagged:
    tags: set[str]


@pytest.mark.parametrize(
    ("hint", "sentence"),
    [
        (list, "f(x): list needs its parts, e.g. list[str]"),
        (Any, "f(x): Any says nothing about the value; name the type, or use obelisk.Json for free-form data"),
        (Tagged, "Tagged.tags: a set has no order and cannot be recorded; use list[str]"),
        (
            Node,
            "Node.children[]: Node contains itself, and WIT types cannot; refer to the inner one by an id, "
            "or use obelisk.Json",
        ),
        (int | str, "f(x): a union may only join dataclasses; wrap int in one"),
        (Path, "f(x): Path has no WIT type; use a dataclass with typed fields"),
        (
            Callable[[], int],
            "f(x): Callable has no WIT type; use list, tuple or dict, or a dataclass with typed fields",
        ),
        (Literal[1], "f(x): Literal works with strings only; for other values use an Enum"),
        (Page, "f(x): Page is generic; write Page[...] with concrete types"),
        (Cash, "f(x): Cash has no fields; it can only be a case of a union"),
        (None, "f(x): None is a type of its own only as a result; write X | None, or leave it out"),
        (Doubled, "Doubled: two names become 'ab' in WIT; rename one of them"),
    ],
)
def test_a_hint_that_says_too_little_is_refused_with_a_remedy(hint: Any, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        read(hint)

    assert str(caught.value) == sentence


@pytest.mark.parametrize("data", ["NaN", "Infinity", 1e300])
def test_a_number_that_is_no_duration_is_refused(data: Any) -> None:
    with pytest.raises(Mismatch, match="expected a duration in seconds"):
        read(timedelta).decode(data)


Later = "Trip"


def _plain(trip: Trip, city: str) -> None: ...


def _composed(trip: Trip | None, later: Later) -> None: ...  # type: ignore[valid-type]  # a name for a name


def _unknown(trip: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821  # on purpose


def test_names_of_classes_are_looked_up_as_typing_does() -> None:
    assert evaluated_hints(_plain, place="plain") == {"trip": Trip, "city": str, "return": type(None)}
    assert evaluated_hints(_plain, place="plain") == get_type_hints(_plain)
    assert evaluated_hints(_composed, place="composed") == get_type_hints(_composed)


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="unknown: the type hint 'Nowhere' is not defined in this file"):
        evaluated_hints(_unknown, place="unknown")


def test_a_files_own_class_comes_before_the_builtin_of_its_name() -> None:
    names: dict[str, Any] = {}
    exec("class int: ...\ndef run(n: 'int') -> 'str': ...", names)

    assert evaluated_hints(names["run"], place="run") == {"n": names["int"], "return": str}
