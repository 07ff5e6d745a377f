from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.wit import obelisk_types
from engine.wit.extensions import extension_functions
from engine.wit.grammar import format_type
from engine.wit.names import FunctionName
from engine.wit.obelisk_types import (
    JOIN_SET,
    LOG,
    SIGNAL_SUPPORT,
    WEBHOOK_SUPPORT,
    WEBHOOK_SUPPORT_BACKTRACE,
    WORKFLOW_SUPPORT,
    WORKFLOW_SUPPORT_BACKTRACE,
)
from engine.wit.types import FunctionType, OptionType, ResultType, WitType

ID = "record { id: string }"
DATETIME = "record { seconds: u64, nanoseconds: u32 }"
FUNCTION = "record { interface-name: string, function-name: string }"
RESPONSE_ID = f"variant {{ execution-id({ID}), delay-id({ID}) }}"
MISMATCH = f"record {{ specified-function: {FUNCTION}, actual-function: option<{FUNCTION}>, actual-id: {RESPONSE_ID} }}"
DURATION = "variant { milliseconds(u64), seconds(u64), minutes(u32), hours(u32), days(u32) }"
SCHEDULE_AT = f"variant {{ now, at({DATETIME}), in({DURATION}) }}"
FAILURE_KIND = "enum { timed-out, nondeterminism-detected, out-of-fuel, cancelled, uncategorized }"
JSON_ERROR = "variant { ffqn-parsing-error(string), function-not-found, type-check-error(string) }"
SYMBOL = "record { func-name: option<string>, file: option<string>, line: option<u32>, col: option<u32> }"
BACKTRACE = f"record {{ frames: list<record {{ module: string, func-name: string, symbols: list<{SYMBOL}> }}> }}"
LOOKUP_ERROR = "variant { execution-id-parsing-error(string), not-found-in-processed-responses }"
JSON_RESULT = "result<option<string>, option<string>>"
GET_ERROR = "variant { execution-id-parsing-error(string), not-found }"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DURATION", DURATION),
        ("DATETIME", DATETIME),
        ("SCHEDULE_AT", SCHEDULE_AT),
        ("EXECUTION_ID", ID),
        ("DELAY_ID", ID),
        ("FUNCTION", FUNCTION),
        ("RESPONSE_ID", RESPONSE_ID),
        ("FUNCTION_MISMATCH", MISMATCH),
        ("EXECUTION_FAILURE_KIND", FAILURE_KIND),
        ("AWAIT_NEXT_EXTENSION_ERROR", f"variant {{ all-processed, function-mismatch({MISMATCH}) }}"),
        ("GET_EXTENSION_ERROR", f"variant {{ function-mismatch({MISMATCH}), not-found-in-processed-responses }}"),
        ("STUB_ERROR", "variant { execution-not-found, type-check-error(string), conflict }"),
        ("SCHEDULE_JSON_ERROR", JSON_ERROR),
        ("WASM_BACKTRACE", BACKTRACE),
        (
            "EXECUTION_STATUS",
            f"variant {{ pending-at({DATETIME}), locked, paused, blocked-by-join-set, cancelling, "
            f"finished(variant {{ ok, err, execution-failure({FAILURE_KIND}) }}) }}",
        ),
    ],
)
def test_types_have_the_fields_and_cases_of_types_5_in_their_order(name: str, text: str) -> None:
    wit_type: WitType = getattr(obelisk_types, name)

    assert format_type(wit_type) == text


def signature(function: FunctionType) -> str:
    params = ", ".join(format_type(param.type) for param in function.params)
    return f"({params})" + ("" if function.result is None else f" -> {format_type(function.result)}")


EXPECTED_WORKFLOW_SUPPORT = {
    "execution-id-current": f"() -> {ID}",
    "random-u64": "(u64, u64) -> u64",
    "random-u64-inclusive": "(u64, u64) -> u64",
    "random-string": "(u16, u16) -> string",
    "sleep": f"({SCHEDULE_AT}, option<string>) -> result<{DATETIME}>",
    "join-set-create": "() -> own<join-set>",
    "join-set-create-named": "(string) -> result<own<join-set>, variant { conflict, invalid-name(string) }>",
    "join-set-close": "(own<join-set>)",
    "submit-json": f"(borrow<join-set>, {FUNCTION}, string) -> result<{ID}, {JSON_ERROR}>",
    "get-result-json": f"({ID}) -> result<{JSON_RESULT}, {LOOKUP_ERROR}>",
    "get-execution-failure-kind": f"({ID}) -> result<option<{FAILURE_KIND}>, {LOOKUP_ERROR}>",
    "last-direct-call-id": f"() -> option<{ID}>",
    "last-oneoff-id": f"() -> option<{RESPONSE_ID}>",
    "submit-delay": f"(borrow<join-set>, {SCHEDULE_AT}) -> {ID}",
    "join-next": f"(borrow<join-set>) -> result<{JSON_RESULT}, variant {{ all-processed }}>",
    "join-next-try": f"(borrow<join-set>) -> result<{JSON_RESULT}, variant {{ all-processed, pending }}>",
    "execution-id-generate": f"() -> {ID}",
    "schedule-json": f"({ID}, {SCHEDULE_AT}, {FUNCTION}, string) -> result<_, {JSON_ERROR}>",
    "call-json": f"({FUNCTION}, string) -> result<{JSON_RESULT}, {JSON_ERROR}>",
    "stub-json": (
        f"({ID}, string) -> result<_, variant {{ execution-id-parsing-error(string), execution-not-found, "
        "type-check-error(string), conflict }>"
    ),
}

EXPECTED_WEBHOOK_SUPPORT = {
    "execution-id-generate": f"() -> {ID}",
    "execution-id-current": f"() -> {ID}",
    "call-json": f"({FUNCTION}, string) -> result<{JSON_RESULT}, {JSON_ERROR}>",
    "schedule-json": f"({ID}, {SCHEDULE_AT}, {FUNCTION}, string) -> result<_, {JSON_ERROR}>",
    "get-status": f"({ID}) -> result<{format_type(obelisk_types.EXECUTION_STATUS)}, {GET_ERROR}>",
    "get-execution-failure-kind": f"({ID}) -> result<option<{FAILURE_KIND}>, {GET_ERROR}>",
    "last-direct-call-id": f"() -> option<{ID}>",
    "get": f"({ID}) -> result<{JSON_RESULT}, {GET_ERROR}>",
    "try-get": (
        f"({ID}) -> result<{JSON_RESULT}, "
        "variant { execution-id-parsing-error(string), not-found, not-finished-yet }>"
    ),
}


@pytest.mark.parametrize(
    ("functions", "expected"),
    [
        (WORKFLOW_SUPPORT, EXPECTED_WORKFLOW_SUPPORT),
        (WEBHOOK_SUPPORT, EXPECTED_WEBHOOK_SUPPORT),
        (
            SIGNAL_SUPPORT,
            {
                "send-json": (
                    f"({ID}, string, string, option<string>) -> result<bool, variant {{ "
                    "execution-id-parsing-error(string), not-found(string), no-workflow(string), finished(string), "
                    "unknown-signal(string), type-check-error(string), invalid-signal-id(string) }>"
                )
            },
        ),
        (LOG, dict.fromkeys(["trace", "debug", "info", "warn", "error"], "(string)")),
        (
            JOIN_SET,
            {
                "[method]join-set.id": "(borrow<join-set>) -> string",
                "[method]join-set.last-id": f"(borrow<join-set>) -> option<{RESPONSE_ID}>",
                "[resource-drop]join-set": "(own<join-set>)",
            },
        ),
    ],
)
def test_host_functions_have_the_signatures_that_components_were_compiled_against(
    functions: Mapping[str, FunctionType], expected: Mapping[str, str]
) -> None:
    assert {name: signature(function) for name, function in functions.items()} == expected


def test_the_backtrace_interfaces_repeat_the_functions_that_write_events_with_one_more_parameter() -> None:
    without = {"execution-id-current", "last-direct-call-id", "last-oneoff-id", "get-result-json"}
    without |= {"get-execution-failure-kind"}

    assert WORKFLOW_SUPPORT_BACKTRACE.keys() == WORKFLOW_SUPPORT.keys() - without
    assert WEBHOOK_SUPPORT_BACKTRACE.keys() == {"call-json", "schedule-json"}
    for plain, extended in (
        (WORKFLOW_SUPPORT, WORKFLOW_SUPPORT_BACKTRACE),
        (WEBHOOK_SUPPORT, WEBHOOK_SUPPORT_BACKTRACE),
    ):
        for name, function in extended.items():
            assert function.params[:-1] == plain[name].params
            assert function.params[-1].type == OptionType(obelisk_types.WASM_BACKTRACE)
            assert function.result == plain[name].result


def test_signatures_cannot_be_changed_by_those_who_look_them_up() -> None:
    with pytest.raises(TypeError):
        WORKFLOW_SUPPORT["sleep"] = FunctionType(())  # type: ignore[index]  # that is the point


def test_every_named_type_follows_those_it_is_made_of() -> None:
    for types in obelisk_types.NAMED_TYPES.values():
        seen: list[str] = []
        for wit_type in types.values():
            text = format_type(wit_type)
            assert not [earlier for earlier in seen if text != earlier and text in earlier and text != ID]
            seen.append(text)


def test_companions_speak_of_the_same_types() -> None:
    target = FunctionName.parse("testing:fibo/fibo.fibo")
    submit = extension_functions(target, FunctionType((), ResultType()), "workflow")[0]

    assert submit.type.result is obelisk_types.EXECUTION_ID
