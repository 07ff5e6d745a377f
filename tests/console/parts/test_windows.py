from __future__ import annotations

import pytest
from django.core.exceptions import BadRequest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from console.parts import windows
from console.parts.windows import Place, Window, place_of, window_of
from engine.log import events as e
from executions.journal.journal import SqlJournal
from executions.models import Event
from tests.builders import make_created, make_execution_id, make_submit
from tests.engine.journal.commits import commit

E1 = make_execution_id(1)
_LENGTH = 61


@pytest.fixture
def events(db: None) -> None:
    pauses = [event for _ in range(_LENGTH // 2) for event in (e.Paused(), e.Unpaused())]
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created(), *pauses))


def window(place: Place, *, variant: str | None = None) -> Window:
    every = Event.objects.filter(execution_id=E1)
    return window_of(every, None if variant is None else every.filter(variant=variant), "version", place)


@pytest.mark.usefixtures("events")
def test_without_a_place_it_is_the_end() -> None:
    assert window(Place(length=3)) == Window(numbers=[58, 59, 60], older=58, newer=None)


@pytest.mark.usefixtures("events")
def test_around_a_row_there_are_some_before_it_and_more_behind_it() -> None:
    assert window(Place(around=30, length=6)) == Window(numbers=[28, 29, 30, 31, 32, 33], older=28, newer=33)


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("variant", [None, "paused", "created"])
def test_going_on_from_either_end_leads_over_all_rows_once(
    variant: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "SPAN", 7)
    wanted = [version for version in range(_LENGTH) if variant is None or kind_of(version) == variant]

    upwards, after = [], -1
    while (found := window(Place(after=after, length=4), variant=variant)).newer is not None:
        upwards += found.numbers
        after = found.newer
    downwards, before = list[int](), _LENGTH
    while (found_before := window(Place(before=before, length=4), variant=variant)).older is not None:
        downwards = found_before.numbers + downwards
        before = found_before.older

    assert upwards + found.numbers == wanted
    assert found_before.numbers + downwards == wanted


def kind_of(version: int) -> str:
    return "created" if version == 0 else ("unpaused", "paused")[version % 2]


@given(st.text(max_size=25))
def test_a_number_in_an_address_is_one_or_is_refused(text: str) -> None:
    query = QueryDict(mutable=True)
    query["around"] = text
    if not text or (text.isascii() and text.isdigit() and len(text) <= 18):
        assert place_of(query).around == (int(text) if text else None)
    else:
        with pytest.raises(BadRequest, match="around has to be a number"):
            place_of(query)


def test_nobody_gets_more_than_two_hundred_rows() -> None:
    assert place_of(QueryDict("length=5000")).length == 200
