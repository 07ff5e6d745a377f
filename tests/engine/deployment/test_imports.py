from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.deployment.spec import ComponentSpec, ComponentType
from engine.deployment.verify import verify
from engine.wit.extensions import ExportKind, extension_functions
from engine.wit.obelisk_types import JOIN_SET, LOG, WORKFLOW_SUPPORT, WORKFLOW_SUPPORT_BACKTRACE
from engine.wit.types import FunctionType
from tests.engine.deployment.builders import make_component

ACTIVITY = ComponentType.ACTIVITY
STUB = ComponentType.ACTIVITY_STUB
WORKFLOW = ComponentType.WORKFLOW

FIBO = make_component("fibo", exports={"testing:fibo/fibo.fibo": "u8 -> result<u64>"})
APPROVE = make_component("human", STUB, exports={"test:stubs/human.approve": "string -> result<bool, string>"})


def problems(
    imports: Mapping[str, Mapping[str, str | FunctionType]],
    *others: ComponentSpec,
    component_type: ComponentType = WORKFLOW,
    stub_wasi: bool = False,
) -> list[str]:
    importer = make_component("flow", component_type, imports=imports, stub_wasi=stub_wasi)
    return [str(problem) for problem in verify([*others, importer])]


def companions(component: ComponentSpec) -> dict[str, dict[str, str | FunctionType]]:
    [function] = component.functions
    kind: ExportKind = "activity_stub" if component.id.component_type is STUB else "activity"
    found: dict[str, dict[str, str | FunctionType]] = {}
    for companion in extension_functions(function.name, function.type, kind):
        found.setdefault(str(companion.name.interface), {})[companion.name.function] = companion.type
    return found


def test_a_workflow_may_import_every_host_interface() -> None:
    imports = {
        "obelisk:log/log@1.0.0": dict(LOG),
        "obelisk:types/execution@5.0.0": {},
        "obelisk:types/time@5.0.0": {},
        "obelisk:types/backtrace@5.0.0": {},
        "obelisk:types/join-set@5.0.0": dict(JOIN_SET),
        "obelisk:workflow/workflow-support@6.0.0": dict(WORKFLOW_SUPPORT),
        "obelisk:workflow/workflow-support-backtrace@6.0.0": dict(WORKFLOW_SUPPORT_BACKTRACE),
    }

    assert problems(imports) == []


def test_an_activity_may_import_wasi_and_the_log() -> None:
    imports: dict[str, dict[str, str | FunctionType]] = {
        "wasi:io/poll@0.2.12": {"[method]pollable.block": "borrow<pollable> ->"},
        "wasi:http/outgoing-handler@0.2.3": {"handle": "own<outgoing-request> -> result"},
        "wasi:cli/environment@0.2.0": {},
        "obelisk:log/log@1.0.0": dict(LOG),
        "test:shared/types": {},
    }

    assert problems(imports, component_type=ACTIVITY) == []


def test_all_companions_of_an_activity_and_a_stub_can_be_imported() -> None:
    assert problems(companions(FIBO) | companions(APPROVE), FIBO, APPROVE) == []


def test_a_newer_version_of_the_same_line_links() -> None:
    assert problems({"obelisk:log/log@1.2.3": {"info": LOG["info"]}}) == []


@pytest.mark.parametrize(
    ("interface", "offered"),
    [
        ("obelisk:workflow/workflow-support@5.1.0", "version 6.0.0 only"),
        ("obelisk:types/join-set@4.2.0", "version 5.0.0 only"),
        ("obelisk:types/execution@4.2.0", "version 5.0.0 only"),
        ("obelisk:log/log@0.1.0", "version 1.0.0 only"),
    ],
)
def test_an_interface_of_an_older_obelisk_is_explained(interface: str, offered: str) -> None:
    [problem] = problems({interface: {"submit": "-> u8", "other": "-> u8"}})

    assert problem.startswith(
        f"component flow, import {interface}: the engine links {offered}; build the component for"
    )


@pytest.mark.parametrize(
    ("interface", "component_type", "expected"),
    [
        ("obelisk:webhook/webhook-support@6.0.0", WORKFLOW, "the engine offers it to webhook endpoints only"),
        ("obelisk:signal/signal-support@1.0.0", WORKFLOW, "the engine offers it to webhook endpoints only"),
        ("obelisk:workflow/workflow-support@6.0.0", ACTIVITY, "the engine offers it to workflows only"),
        ("obelisk:types/join-set@5.0.0", ACTIVITY, "the engine offers it to workflows only"),
        ("obelisk:workflow/workflow-support@5.0.0", ACTIVITY, "the engine links version 6.0.0 only"),
        ("obelisk:nothing/api@1.0.0", WORKFLOW, "the engine has no such interface"),
        ("wasi:io/poll@0.2.0", WORKFLOW, "a workflow's sandbox has no WASI; "),
        ("wasi:io/poll@0.3.0", ACTIVITY, "the engine offers WASI 0.2 (cli, clocks, "),
        ("wasi:keyvalue/store@0.2.0", ACTIVITY, "the engine offers WASI 0.2 (cli, clocks, "),
        ("testing:fibo/fibo", ACTIVITY, "an activity cannot call other components"),
    ],
)
def test_an_interface_that_the_kind_is_not_offered_is_refused(
    interface: str, component_type: ComponentType, expected: str
) -> None:
    [problem] = problems({interface: {"run": "-> u8"}}, FIBO, component_type=component_type)

    assert problem.startswith(f"component flow, import {interface}: {expected}")


def test_stubbed_wasi_is_there_for_workflows() -> None:
    assert problems({"wasi:io/poll@0.2.0": {"poll": "->"}}, stub_wasi=True) == []


def test_a_host_function_that_does_not_exist_is_named() -> None:
    assert problems({"obelisk:log/log@1.0.0": {"inform": LOG["info"], "infos": LOG["info"]}}) == [
        "component flow, import obelisk:log/log@1.0.0.inform: obelisk:log/log@1.0.0 has no such function; did you "
        "mean info?",
        "component flow, import obelisk:log/log@1.0.0.infos: obelisk:log/log@1.0.0 has no such function; did you "
        "mean info?",
    ]


def test_a_host_function_of_another_type_shows_both() -> None:
    assert problems({"obelisk:log/log@1.0.0": {"info": "string, u8 ->"}}) == [
        "component flow, import obelisk:log/log@1.0.0.info: imported as func(a: string, b: u8), but the engine's "
        "obelisk:log/log@1.0.0 has func(message: string)"
    ]


def test_an_import_that_nobody_exports_is_named_with_the_nearest() -> None:
    assert problems({"testing:fibo/fibo@1.0.0": {"fibo": "u8 -> result<u64>"}}, FIBO) == [
        "component flow, import testing:fibo/fibo@1.0.0.fibo: no component exports it; did you mean "
        "testing:fibo/fibo.fibo?"
    ]


def test_an_import_of_another_type_shows_both() -> None:
    assert problems({"testing:fibo/fibo": {"fibo": "u32 -> result<u64>"}}, FIBO) == [
        "component flow, import testing:fibo/fibo.fibo: imported as func(a: u32) -> result<u64>, but component fibo "
        "has func(a: u8) -> result<u64>"
    ]


@pytest.mark.parametrize(
    ("interface", "function", "expected"),
    [
        ("testing:fibo-obelisk-ext/fibo", "fibo-invoke", "the engine generates no function of this name in a package"),
        ("testing:fibo-obelisk-ext/fibo", "fibo-schedule", "the engine generates no function of this name"),
        (
            "testing:fibonacci-obelisk-ext/fibo",
            "fibo-submit",
            "no component exports testing:fibonacci/fibo.fibo, which",
        ),
        ("testing:fibo-obelisk-stub/fibo", "fibo-stub", "it is generated for stub activities only, and component fibo"),
        ("test:stubs-obelisk-schedule/human", "approve-schedule", "it is not generated for stub activities, and"),
        (
            "testing:fibo-obelisk-ext/fibo",
            "fibo-get",
            "imported as func() -> u8, but the engine, for component fibo, has",
        ),
    ],
)
def test_a_companion_that_is_not_generated_is_explained(interface: str, function: str, expected: str) -> None:
    [problem] = problems({interface: {function: "-> u8"}}, FIBO, APPROVE)

    assert problem.startswith(f"component flow, import {interface}.{function}: {expected}")


def test_what_a_component_exports_to_nobody_satisfies_no_import() -> None:
    endpoint = make_component("hook", ComponentType.WEBHOOK_ENDPOINT, exports={"test:hook/api.run": "-> result"})

    [problem] = problems({"test:hook/api": {"run": "-> result"}}, endpoint)

    assert "no component exports it" in problem
