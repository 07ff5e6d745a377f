from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StoredEventInvalid
from engine.log import events as e
from engine.log.event_decoding import decode_event
from engine.log.event_encoding import encode_event, variant_of
from engine.log.return_values import CANCELLED, Failed, FailureKind, JsonText, Returned, ReturnValue, TypedValue
from engine.log.retval_json import decode_retval, retval_text, retval_to_api
from engine.log.time_json import decode_duration, decode_instant, encode_duration, encode_instant
from tests.engine.log.samples import EVENTS, READABLE, STORED


def kinds(union: object) -> set[type]:
    """The members of a union."""
    return set(get_args(union))


def of_kind(index: int) -> str:
    return f"{index}-{type(EVENTS[index]).__name__}"


cases = pytest.mark.parametrize(("event", "text"), STORED, ids=map(of_kind, range(len(STORED))))


@cases
def test_the_stored_form_never_changes(event: e.ExecutionEvent, text: str) -> None:
    assert encode_event(event) == text


@cases
def test_the_stored_form_is_read_back(event: e.ExecutionEvent, text: str) -> None:
    assert decode_event(text) == event


@pytest.mark.parametrize(("event", "text"), READABLE)
def test_other_forms_are_read_too(event: e.ExecutionEvent, text: str) -> None:
    assert decode_event(text) == event


@cases
def test_the_variant_is_the_outermost_tag(event: e.ExecutionEvent, text: str) -> None:
    stored = orjson.loads(text)

    assert variant_of(event) == (stored if isinstance(stored, str) else next(iter(stored)))


def test_there_is_a_sample_of_every_kind_of_event() -> None:
    assert {type(event) for event in EVENTS} == kinds(e.ExecutionEvent)
    assert set(e.HISTORY_EVENTS) == kinds(e.HistoryEvent)


def test_every_failure_kind_is_read_back() -> None:
    for kind in FailureKind:
        failed = Failed(kind=kind)
        assert decode_retval(orjson.loads(retval_text(failed))) == failed


# --- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["0", "-9223372036854775808", "18446744073709551615", "0.1", "1e-7", '"é😀\\u0000"', '[[],{},null,{"b":1,"a":2}]'],
)
def test_a_value_is_stored_to_the_letter(value: str) -> None:
    retval = Returned(ok=True, payload=TypedValue("any", JsonText(value)))

    text = retval_text(retval)

    assert f'"value":{value}' in text
    assert decode_retval(orjson.loads(text)) == retval


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8")),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
def test_any_value_survives(value: object) -> None:
    event = e.Finished(retval=Returned(ok=False, payload=TypedValue("t", JsonText(orjson.dumps(value).decode()))))

    assert decode_event(encode_event(event)) == event


def test_equal_return_values_have_equal_texts_and_others_have_not() -> None:
    texts = [
        retval_text(retval)
        for retval in (
            Returned(ok=True, payload=None),
            Returned(ok=False, payload=None),
            Returned(ok=True, payload=TypedValue("u8", JsonText("1"))),
            Returned(ok=True, payload=TypedValue("u16", JsonText("1"))),
            CANCELLED,
        )
    ]

    assert len(set(texts)) == len(texts)
    assert retval_text(Failed(kind=FailureKind.CANCELLED)) == retval_text(CANCELLED)


@pytest.mark.parametrize(
    ("retval", "shown"),
    [
        (Returned(ok=True, payload=TypedValue("u64", JsonText("55"))), {"ok": 55}),
        (Returned(ok=False, payload=TypedValue("string", JsonText('"no"'))), {"err": "no"}),
        (Returned(ok=True, payload=None), {"ok": None}),
        (
            Failed(kind=FailureKind.TIMED_OUT, reason="too slow"),
            {"execution_failed": {"kind": "timed_out", "reason": "too slow"}},
        ),
    ],
)
def test_clients_see_values_without_types(retval: ReturnValue, shown: object) -> None:
    assert retval_to_api(retval) == shown


def test_no_payload_and_a_null_payload_are_told_apart() -> None:
    null = Returned(ok=True, payload=TypedValue("option<u8>", JsonText("null")))

    assert retval_text(null) != retval_text(Returned(ok=True, payload=None))
    assert decode_retval(orjson.loads(retval_text(null))) == null


# --- Time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000000Z"),
        (datetime(2026, 1, 1, microsecond=7, tzinfo=UTC), "2026-01-01T00:00:00.000007Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
        (datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), "2026-01-01T00:00:00.000000Z"),
    ],
)
def test_instants_are_stored_in_utc_with_microseconds(instant: datetime, text: str) -> None:
    assert encode_instant(instant) == text
    assert decode_instant(text) == instant


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_instant_survives(instant: datetime) -> None:
    assert decode_instant(encode_instant(instant)) == instant


@pytest.mark.parametrize(
    "text", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000+00:00", "2026-01-01T02:00:00+02:00"]
)
def test_other_ways_to_write_an_instant_are_read(text: str) -> None:
    assert decode_instant(text) == datetime(2026, 1, 1, tzinfo=UTC)


@given(st.timedeltas(min_value=timedelta()))
def test_any_duration_survives(duration: timedelta) -> None:
    assert decode_duration(encode_duration(duration)) == duration


# --- What cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "7",
        "[]",
        "{}",
        '"resumed"',
        '{"paused":null,"unpaused":null}',
        '{"from_the_future":{}}',
        '{"created":{}}',
        '{"created":[]}',
        '{"locked":null}',
        '{"unlocked":{"backoff_expires_at":"tomorrow","reason":""}}',
        '{"unlocked":{"backoff_expires_at":7,"reason":""}}',
        '{"finished":{"retval":{}}}',
        '{"finished":{"retval":{"execution_failure":{"kind":"bad_luck"}}}}',
        '{"history_event":{"event":{"type":"sneeze"}}}',
        '{"history_event":{"event":{"type":"join_next_try","join_set_id":"n:","outcome":"maybe"}}}',
        '{"history_event":{"event":{"type":"persist","value":[256],"kind":{"type":"execution_id"}}}}',
        '{"history_event":{"event":{"type":"persist","value":[1],"kind":{"type":"dice"}}}}',
        '{"history_event":{"event":{"type":"join_set_request","join_set_id":"n:","request":{"type":"wish"}}}}',
        '{"history_event":{"event":{"type":"stub","target_execution_id":"E","retval_hash":"","result":{"type":"?"}}}}',
        '{"history_event":{"event":{"type":"schedule","execution_id":"E","schedule_at":"now","result":{"type":"?"}}}}',
    ],
)
def test_what_this_version_cannot_read_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(StoredEventInvalid) as caught:
        decode_event(text)

    assert str(caught.value)
