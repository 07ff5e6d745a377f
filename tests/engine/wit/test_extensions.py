from __future__ import annotations

import pytest

from engine.wit.extensions import (
    ExportKind,
    ExtensionKind,
    extension_functions,
    extension_name,
    primary_of,
)
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName
from engine.wit.obelisk_types import (
    AWAIT_NEXT_EXTENSION_ERROR,
    EXECUTION_ID,
    GET_EXTENSION_ERROR,
    SCHEDULE_AT,
    STUB_ERROR,
)
from engine.wit.types import STRING, U8, BorrowType, FunctionType, Param, ResultType

FOO = FunctionName.parse("testing:stub-activity/activity@1.0.0.foo")
FOO_RESULT = ResultType(STRING)
FOO_TYPE = FunctionType((Param("arg", STRING),), FOO_RESULT)
JOIN_SET = BorrowType("join-set")


def companions(kind: ExportKind, function: FunctionType = FOO_TYPE) -> dict[ExtensionKind, FunctionType]:
    return {extension.kind: extension.type for extension in extension_functions(FOO, function, kind)}


@pytest.mark.parametrize(
    ("component_kind", "expected"),
    [
        (
            "activity",
            [
                "testing:stub-activity-obelisk-ext/activity@1.0.0.foo-submit",
                "testing:stub-activity-obelisk-ext/activity@1.0.0.foo-await-next",
                "testing:stub-activity-obelisk-ext/activity@1.0.0.foo-get",
                "testing:stub-activity-obelisk-schedule/activity@1.0.0.foo-schedule",
            ],
        ),
        (
            "workflow",
            [
                "testing:stub-activity-obelisk-ext/activity@1.0.0.foo-submit",
                "testing:stub-activity-obelisk-ext/activity@1.0.0.foo-await-next",
                "testing:stub-activity-obelisk-ext/activity@1.0.0.foo-get",
                "testing:stub-activity-obelisk-schedule/activity@1.0.0.foo-schedule",
            ],
        ),
        (
            "activity_stub",
            [
                "testing:stub-activity-obelisk-ext/activity@1.0.0.foo-submit",
                "testing:stub-activity-obelisk-ext/activity@1.0.0.foo-await-next",
                "testing:stub-activity-obelisk-ext/activity@1.0.0.foo-get",
                "testing:stub-activity-obelisk-stub/activity@1.0.0.foo-stub",
            ],
        ),
    ],
)
def test_a_function_has_the_companions_of_its_kind_of_component(
    component_kind: ExportKind, expected: list[str]
) -> None:
    extensions = extension_functions(FOO, FOO_TYPE, component_kind)

    assert [str(extension.name) for extension in extensions] == expected
    assert {extension.target for extension in extensions} == {FOO}


def test_companions_have_the_signatures_of_the_reference() -> None:
    execution_id = Param("execution-id", EXECUTION_ID)

    assert companions("activity") == {
        "submit": FunctionType((Param("join-set", JOIN_SET), Param("arg", STRING)), EXECUTION_ID),
        "await_next": FunctionType((Param("join-set", JOIN_SET),), ResultType(FOO_RESULT, AWAIT_NEXT_EXTENSION_ERROR)),
        "get": FunctionType((execution_id,), ResultType(FOO_RESULT, GET_EXTENSION_ERROR)),
        "schedule": FunctionType((Param("schedule-at", SCHEDULE_AT), Param("arg", STRING)), EXECUTION_ID),
    }
    assert companions("activity_stub")["stub"] == FunctionType(
        (execution_id, Param("execution-result", FOO_RESULT)), ResultType(None, STUB_ERROR)
    )


def test_a_function_without_payload_keeps_its_plain_result() -> None:
    types = companions("activity", FunctionType((), ResultType()))

    assert types["await_next"].result == ResultType(ResultType(), AWAIT_NEXT_EXTENSION_ERROR)


@pytest.mark.parametrize(
    ("taken", "kind", "added"),
    [
        (["join-set"], "submit", "join-set-a"),
        (["JOIN-SET"], "submit", "join-set-a"),
        (["join-set", "join-set-a"], "submit", "join-set-b"),
        (["join-set-a"], "submit", "join-set"),
        (["schedule-at"], "schedule", "schedule-at-a"),
        (["join-set", *(f"join-set-{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")], "submit", "join-set-aa"),
    ],
)
def test_an_added_parameter_gives_way_to_one_of_its_name(taken: list[str], kind: ExtensionKind, added: str) -> None:
    function = FunctionType(tuple(Param(name, U8) for name in taken), ResultType())

    params = companions("activity", function)[kind].params

    assert [param.name for param in params] == [added, *taken]


@pytest.mark.parametrize("component_kind", ["activity", "activity_stub", "workflow"])
def test_a_companion_leads_back_to_its_function(component_kind: ExportKind) -> None:
    for extension in extension_functions(FOO, FOO_TYPE, component_kind):
        assert primary_of(extension.name) == (extension.kind, FOO)
        assert primary_of(FunctionName.parse(str(extension.name))) == (extension.kind, FOO)


def test_only_one_suffix_is_taken_off() -> None:
    submit_submit = FunctionName.parse("a:b/c.job-submit")

    assert primary_of(extension_name(submit_submit, "submit")) == ("submit", submit_submit)
    assert primary_of(extension_name(submit_submit, "schedule")) == ("schedule", submit_submit)


@pytest.mark.parametrize(
    "name",
    [
        "testing:fibo/fibo.fibo",
        "testing:fibo/fibo.fibo-submit",
        "testing:fibo-obelisk-ext/fibo.fibo",
        "testing:fibo-obelisk-ext/fibo.fibo-schedule",
        "testing:fibo-obelisk-schedule/fibo.fibo-submit",
        "testing:fibo-obelisk-stub/fibo.fibo-get",
    ],
)
def test_other_names_are_no_companions(name: str) -> None:
    assert primary_of(FunctionName.parse(name)) is None


def test_a_suffix_alone_is_no_companion() -> None:
    interface = FOO.interface.with_package_suffix("-obelisk-ext")

    assert primary_of(FunctionName(interface, "-submit")) is None


def test_a_payload_type_is_carried_over_unchanged() -> None:
    error = parse_type("variant { execution-failed, other(record { why: string }) }")

    types = companions("activity_stub", FunctionType((Param("a", error),), ResultType(None, error)))

    assert types["submit"].params[1].type == error
    assert types["stub"].params[1].type == ResultType(None, error)
