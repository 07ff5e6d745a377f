"""The types and host interfaces that components compiled for Obelisk 0.41 were linked against, and one of our own.

Order of fields and cases matters: imports are compared by structure.

Source:
    Obelisk 0.41, reference sections 3.2, 6.2 and 6.8; WIT names and signatures are facts of its interfaces.
    ``obelisk:signal`` is ours, and a package of its own, so that it is in nobody's way.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.wit.names import InterfaceName
from engine.wit.types import (
    BOOL,
    STRING,
    U16,
    U32,
    U64,
    BorrowType,
    Case,
    EnumType,
    Field,
    FunctionType,
    ListType,
    OptionType,
    OwnType,
    Param,
    RecordType,
    ResultType,
    VariantType,
    WitType,
)

TIME_INTERFACE = InterfaceName("obelisk", "types", "time", "5.0.0")
EXECUTION_INTERFACE = InterfaceName("obelisk", "types", "execution", "5.0.0")
BACKTRACE_INTERFACE = InterfaceName("obelisk", "types", "backtrace", "5.0.0")
JOIN_SET_INTERFACE = InterfaceName("obelisk", "types", "join-set", "5.0.0")
LOG_INTERFACE = InterfaceName("obelisk", "log", "log", "1.0.0")
WORKFLOW_SUPPORT_INTERFACE = InterfaceName("obelisk", "workflow", "workflow-support", "6.0.0")
WORKFLOW_SUPPORT_BACKTRACE_INTERFACE = InterfaceName("obelisk", "workflow", "workflow-support-backtrace", "6.0.0")
WEBHOOK_SUPPORT_INTERFACE = InterfaceName("obelisk", "webhook", "webhook-support", "6.0.0")
WEBHOOK_SUPPORT_BACKTRACE_INTERFACE = InterfaceName("obelisk", "webhook", "webhook-support-backtrace", "6.0.0")
SIGNAL_SUPPORT_INTERFACE = InterfaceName("obelisk", "signal", "signal-support", "1.0.0")

# --- obelisk:types/time -----------------------------------------------------------------------------------------------

DURATION = VariantType(
    (
        Case("milliseconds", U64),
        Case("seconds", U64),
        Case("minutes", U32),
        Case("hours", U32),
        Case("days", U32),
    )
)
DATETIME = RecordType((Field("seconds", U64), Field("nanoseconds", U32)))
SCHEDULE_AT = VariantType((Case("now"), Case("at", DATETIME), Case("in", DURATION)))

# --- obelisk:types/execution ------------------------------------------------------------------------------------------

# Equal by structure, as all that is left of them in a component; kept apart where text is printed.
EXECUTION_ID = RecordType((Field("id", STRING),))
DELAY_ID = RecordType((Field("id", STRING),))

FUNCTION = RecordType((Field("interface-name", STRING), Field("function-name", STRING)))
RESPONSE_ID = VariantType((Case("execution-id", EXECUTION_ID), Case("delay-id", DELAY_ID)))
FUNCTION_MISMATCH = RecordType(
    (
        Field("specified-function", FUNCTION),
        Field("actual-function", OptionType(FUNCTION)),
        Field("actual-id", RESPONSE_ID),
    )
)
EXECUTION_FAILURE_KIND = EnumType(("timed-out", "nondeterminism-detected", "out-of-fuel", "cancelled", "uncategorized"))
AWAIT_NEXT_EXTENSION_ERROR = VariantType((Case("all-processed"), Case("function-mismatch", FUNCTION_MISMATCH)))
GET_EXTENSION_ERROR = VariantType(
    (Case("function-mismatch", FUNCTION_MISMATCH), Case("not-found-in-processed-responses"))
)
STUB_ERROR = VariantType((Case("execution-not-found"), Case("type-check-error", STRING), Case("conflict")))
SCHEDULE_JSON_ERROR = VariantType(
    (Case("ffqn-parsing-error", STRING), Case("function-not-found"), Case("type-check-error", STRING))
)

# --- obelisk:types/backtrace ------------------------------------------------------------------------------------------

FRAME_SYMBOL = RecordType(
    (
        Field("func-name", OptionType(STRING)),
        Field("file", OptionType(STRING)),
        Field("line", OptionType(U32)),
        Field("col", OptionType(U32)),
    )
)
FRAME_INFO = RecordType((Field("module", STRING), Field("func-name", STRING), Field("symbols", ListType(FRAME_SYMBOL))))
WASM_BACKTRACE = RecordType((Field("frames", ListType(FRAME_INFO)),))

# --- declared in the support interfaces -------------------------------------------------------------------------------

JOIN_SET_CREATE_ERROR = VariantType((Case("conflict"), Case("invalid-name", STRING)))
GET_RESULT_JSON_ERROR = VariantType(
    (Case("execution-id-parsing-error", STRING), Case("not-found-in-processed-responses"))
)
SUBMIT_JSON_ERROR = VariantType(
    (Case("ffqn-parsing-error", STRING), Case("function-not-found"), Case("type-check-error", STRING))
)
JOIN_NEXT_ERROR = VariantType((Case("all-processed"),))
JOIN_NEXT_TRY_ERROR = VariantType((Case("all-processed"), Case("pending")))
STUB_JSON_ERROR = VariantType(
    (
        Case("execution-id-parsing-error", STRING),
        Case("execution-not-found"),
        Case("type-check-error", STRING),
        Case("conflict"),
    )
)
GET_STATUS_ERROR = VariantType((Case("execution-id-parsing-error", STRING), Case("not-found")))
GET_ERROR = VariantType((Case("execution-id-parsing-error", STRING), Case("not-found")))
TRY_GET_ERROR = VariantType(
    (Case("execution-id-parsing-error", STRING), Case("not-found"), Case("not-finished-yet")),
)
SEND_ERROR = VariantType(
    (
        Case("execution-id-parsing-error", STRING),
        Case("not-found", STRING),
        Case("no-workflow", STRING),
        Case("finished", STRING),
        Case("unknown-signal", STRING),
        Case("type-check-error", STRING),
        Case("invalid-signal-id", STRING),
    )
)
EXECUTION_STATUS_FINISHED = VariantType(
    (Case("ok"), Case("err"), Case("execution-failure", EXECUTION_FAILURE_KIND)),
)
EXECUTION_STATUS = VariantType(
    (
        Case("pending-at", DATETIME),
        Case("locked"),
        Case("paused"),
        Case("blocked-by-join-set"),
        Case("cancelling"),
        Case("finished", EXECUTION_STATUS_FINISHED),
    )
)

NAMED_TYPES: Mapping[InterfaceName, Mapping[str, WitType]] = MappingProxyType(
    {
        TIME_INTERFACE: {"duration": DURATION, "datetime": DATETIME, "schedule-at": SCHEDULE_AT},
        EXECUTION_INTERFACE: {
            "execution-id": EXECUTION_ID,
            "delay-id": DELAY_ID,
            "function": FUNCTION,
            "response-id": RESPONSE_ID,
            "function-mismatch": FUNCTION_MISMATCH,
            "execution-failure-kind": EXECUTION_FAILURE_KIND,
            "await-next-extension-error": AWAIT_NEXT_EXTENSION_ERROR,
            "get-extension-error": GET_EXTENSION_ERROR,
            "stub-error": STUB_ERROR,
            "schedule-json-error": SCHEDULE_JSON_ERROR,
        },
        BACKTRACE_INTERFACE: {
            "frame-symbol": FRAME_SYMBOL,
            "frame-info": FRAME_INFO,
            "wasm-backtrace": WASM_BACKTRACE,
        },
        WORKFLOW_SUPPORT_INTERFACE: {
            "join-set-create-error": JOIN_SET_CREATE_ERROR,
            "get-result-json-error": GET_RESULT_JSON_ERROR,
            "submit-json-error": SUBMIT_JSON_ERROR,
            "join-next-error": JOIN_NEXT_ERROR,
            "join-next-try-error": JOIN_NEXT_TRY_ERROR,
            "stub-json-error": STUB_JSON_ERROR,
        },
        WEBHOOK_SUPPORT_INTERFACE: {
            "get-status-error": GET_STATUS_ERROR,
            "get-error": GET_ERROR,
            "try-get-error": TRY_GET_ERROR,
            "execution-status-finished": EXECUTION_STATUS_FINISHED,
            "execution-status": EXECUTION_STATUS,
        },
        SIGNAL_SUPPORT_INTERFACE: {"send-error": SEND_ERROR},
    }
)
"""What Obelisk's interfaces call their types; each type comes after those it is made of."""

# --- functions --------------------------------------------------------------------------------------------------------

JOIN_SET_RESOURCE = "join-set"
OWN_JOIN_SET = OwnType(JOIN_SET_RESOURCE)
BORROW_JOIN_SET = BorrowType(JOIN_SET_RESOURCE)
JSON_RESULT = ResultType(OptionType(STRING), OptionType(STRING))
"""A return value as JSON text of its payload, none where there is no payload."""

_JOIN_SET_PARAM = Param("join-set", BORROW_JOIN_SET)
_EXECUTION_ID_PARAM = Param("execution-id", EXECUTION_ID)
_FUNCTION_PARAMS = (Param("function", FUNCTION), Param("params", STRING))
_BACKTRACE_PARAM = Param("backtrace", OptionType(WASM_BACKTRACE))

LOG: Mapping[str, FunctionType] = MappingProxyType(
    {level: FunctionType((Param("message", STRING),)) for level in ("trace", "debug", "info", "warn", "error")}
)

JOIN_SET: Mapping[str, FunctionType] = MappingProxyType(
    {
        "[method]join-set.id": FunctionType((Param("self", BORROW_JOIN_SET),), STRING),
        "[method]join-set.last-id": FunctionType((Param("self", BORROW_JOIN_SET),), OptionType(RESPONSE_ID)),
        "[resource-drop]join-set": FunctionType((Param("self", OWN_JOIN_SET),)),
    }
)

WORKFLOW_SUPPORT: Mapping[str, FunctionType] = MappingProxyType(
    {
        "execution-id-current": FunctionType((), EXECUTION_ID),
        "random-u64": FunctionType((Param("min", U64), Param("max-exclusive", U64)), U64),
        "random-u64-inclusive": FunctionType((Param("min", U64), Param("max-inclusive", U64)), U64),
        "random-string": FunctionType((Param("min-length", U16), Param("max-length-exclusive", U16)), STRING),
        "sleep": FunctionType(
            (Param("schedule-at", SCHEDULE_AT), Param("name", OptionType(STRING))), ResultType(DATETIME)
        ),
        "join-set-create": FunctionType((), OWN_JOIN_SET),
        "join-set-create-named": FunctionType(
            (Param("name", STRING),), ResultType(OWN_JOIN_SET, JOIN_SET_CREATE_ERROR)
        ),
        "join-set-close": FunctionType((Param("self", OWN_JOIN_SET),)),
        "submit-json": FunctionType((_JOIN_SET_PARAM, *_FUNCTION_PARAMS), ResultType(EXECUTION_ID, SUBMIT_JSON_ERROR)),
        "get-result-json": FunctionType((_EXECUTION_ID_PARAM,), ResultType(JSON_RESULT, GET_RESULT_JSON_ERROR)),
        "get-execution-failure-kind": FunctionType(
            (_EXECUTION_ID_PARAM,), ResultType(OptionType(EXECUTION_FAILURE_KIND), GET_RESULT_JSON_ERROR)
        ),
        "last-direct-call-id": FunctionType((), OptionType(EXECUTION_ID)),
        "last-oneoff-id": FunctionType((), OptionType(RESPONSE_ID)),
        "submit-delay": FunctionType((_JOIN_SET_PARAM, Param("timeout", SCHEDULE_AT)), DELAY_ID),
        "join-next": FunctionType((_JOIN_SET_PARAM,), ResultType(JSON_RESULT, JOIN_NEXT_ERROR)),
        "join-next-try": FunctionType((_JOIN_SET_PARAM,), ResultType(JSON_RESULT, JOIN_NEXT_TRY_ERROR)),
        "execution-id-generate": FunctionType((), EXECUTION_ID),
        "schedule-json": FunctionType(
            (_EXECUTION_ID_PARAM, Param("schedule-at", SCHEDULE_AT), *_FUNCTION_PARAMS),
            ResultType(None, SCHEDULE_JSON_ERROR),
        ),
        "call-json": FunctionType(_FUNCTION_PARAMS, ResultType(JSON_RESULT, SCHEDULE_JSON_ERROR)),
        "stub-json": FunctionType(
            (_EXECUTION_ID_PARAM, Param("result-json", STRING)), ResultType(None, STUB_JSON_ERROR)
        ),
    }
)

WEBHOOK_SUPPORT: Mapping[str, FunctionType] = MappingProxyType(
    {
        "execution-id-generate": WORKFLOW_SUPPORT["execution-id-generate"],
        "execution-id-current": WORKFLOW_SUPPORT["execution-id-current"],
        "call-json": WORKFLOW_SUPPORT["call-json"],
        "schedule-json": WORKFLOW_SUPPORT["schedule-json"],
        "get-status": FunctionType((_EXECUTION_ID_PARAM,), ResultType(EXECUTION_STATUS, GET_STATUS_ERROR)),
        "get-execution-failure-kind": FunctionType(
            (_EXECUTION_ID_PARAM,), ResultType(OptionType(EXECUTION_FAILURE_KIND), GET_ERROR)
        ),
        "last-direct-call-id": WORKFLOW_SUPPORT["last-direct-call-id"],
        "get": FunctionType((_EXECUTION_ID_PARAM,), ResultType(JSON_RESULT, GET_ERROR)),
        "try-get": FunctionType((_EXECUTION_ID_PARAM,), ResultType(JSON_RESULT, TRY_GET_ERROR)),
    }
)

SIGNAL_SUPPORT: Mapping[str, FunctionType] = MappingProxyType(
    {
        "send-json": FunctionType(
            (
                _EXECUTION_ID_PARAM,
                Param("signal", STRING),
                Param("payload", STRING),
                Param("signal-id", OptionType(STRING)),
            ),
            ResultType(BOOL, SEND_ERROR),
        )
    }
)
"""Sends a signal by its name, with its payload as JSON text; tells whether it counts, or had come before."""


def _with_backtrace(functions: Mapping[str, FunctionType], *names: str) -> Mapping[str, FunctionType]:
    """Return some functions with the last parameter that interpreted guests pass their call stack in."""
    return MappingProxyType(
        {name: FunctionType((*functions[name].params, _BACKTRACE_PARAM), functions[name].result) for name in names}
    )


WORKFLOW_SUPPORT_BACKTRACE = _with_backtrace(
    WORKFLOW_SUPPORT,
    "random-u64",
    "random-u64-inclusive",
    "random-string",
    "sleep",
    "join-set-create",
    "join-set-create-named",
    "join-set-close",
    "submit-json",
    "submit-delay",
    "join-next",
    "join-next-try",
    "execution-id-generate",
    "schedule-json",
    "call-json",
    "stub-json",
)

WEBHOOK_SUPPORT_BACKTRACE = _with_backtrace(WEBHOOK_SUPPORT, "call-json", "schedule-json")
