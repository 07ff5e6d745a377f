from __future__ import annotations

from datetime import timedelta

import pytest

from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    FunctionSpec,
    RetryPolicy,
    Runner,
)
from engine.guests.javascript.imports import camel_name, offered_functions, resolve_imports
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.types import FunctionType, Param


def _component(component_type: ComponentType, *ffqns: str) -> ComponentSpec:
    function_type = FunctionType((Param("n", parse_type("u8")),), parse_type("result<u8>"))
    return ComponentSpec(
        id=ComponentId(component_type=component_type, name="it", digest="sha256:" + "0" * 64),
        runner=Runner.SOURCE,
        functions=tuple(FunctionSpec(name=FunctionName.parse(ffqn), type=function_type) for ffqn in ffqns),
        retry=RetryPolicy(max_retries=0, backoff=timedelta()),
    )


OFFERED = offered_functions(
    [
        _component(ComponentType.ACTIVITY, "ns:math/ops@1.0.0.add-all", "ns:math/ops@1.0.0.step-2"),
        _component(ComponentType.ACTIVITY_STUB, "ns:math/people.approve"),
        _component(ComponentType.WEBHOOK_ENDPOINT),
    ]
)


@pytest.mark.parametrize(("kebab", "camel"), [("add", "add"), ("add-all-now", "addAllNow"), ("step-2", "step2")])
def test_names_are_spelt_in_camel_case(kebab: str, camel: str) -> None:
    assert camel_name(kebab) == camel


@pytest.mark.parametrize(
    ("interface", "names", "found"),
    [
        ("ns:math/ops@1.0.0", ("addAll",), ["add-all"]),
        ("ns:math/ops@1.0.0", ("*",), ["add-all", "step-2"]),
        ("ns:math-obelisk-ext/ops@1.0.0", ("addAllAwaitNext", "step2Get"), ["add-all-await-next", "step-2-get"]),
        ("ns:math-obelisk-schedule/ops@1.0.0", ("step2Schedule",), ["step-2-schedule"]),
        ("ns:math-obelisk-stub/people", ("approveStub",), ["approve-stub"]),
        ("obelisk:log/log@1.0.0", ("info",), ["info"]),
    ],
)
def test_a_workflow_imports_exports_and_their_companions(
    interface: str, names: tuple[str, ...], found: list[str]
) -> None:
    resolved, problems = resolve_imports(_component(ComponentType.WORKFLOW), {interface: names}, OFFERED)

    assert problems == []
    assert list(resolved[InterfaceName.parse(interface)]) == found


@pytest.mark.parametrize(
    ("component_type", "interface", "name", "problem"),
    [
        (
            ComponentType.WORKFLOW,
            "ns:math/ops@1.0.0",
            "addAl",
            "component it, import ns:math/ops@1.0.0.addAl: there is no such function; did you mean addAll?",
        ),
        (
            ComponentType.WORKFLOW,
            "ns:math/opps@1.0.0",
            "add",
            "component it, import ns:math/opps@1.0.0: no component exports it; did you mean ns:math/ops@1.0.0?",
        ),
        (
            ComponentType.WORKFLOW,
            "ns:math/ops@1.0.0",
            "default",
            "component it, import ns:math/ops@1.0.0: an interface has no default export; write import { name } from it",
        ),
        (
            ComponentType.WORKFLOW,
            "obelisk:workflow/workflow-support@6.0.0",
            "sleep",
            "component it, import obelisk:workflow/workflow-support@6.0.0: of the engine's interfaces "
            "obelisk:log/log@1.0.0 can be imported; the rest is in the global obelisk",
        ),
        (
            ComponentType.ACTIVITY,
            "ns:math/ops@1.0.0",
            "addAll",
            "component it, import ns:math/ops@1.0.0: an activity cannot call other components; let a workflow do it",
        ),
        (
            ComponentType.WEBHOOK_ENDPOINT,
            "ns:math-obelisk-ext/ops@1.0.0",
            "addAllSubmit",
            "component it, import ns:math-obelisk-ext/ops@1.0.0: only workflows can import packages ending in "
            "-obelisk-ext",
        ),
        (
            ComponentType.WORKFLOW,
            "ns:math",
            "add",
            "component it, import ns:math: cannot parse interface `ns:math`: missing package/ifc separator `/`; write "
            "namespace:package/interface or namespace:package/interface@version",
        ),
    ],
)
def test_what_cannot_be_imported_is_explained(
    component_type: ComponentType, interface: str, name: str, problem: str
) -> None:
    _, problems = resolve_imports(_component(component_type), {interface: (name,)}, OFFERED)

    assert [str(each) for each in problems] == [problem]


def test_a_webhook_imports_functions_and_their_schedules() -> None:
    wanted = {"ns:math/ops@1.0.0": ("addAll",), "ns:math-obelisk-schedule/ops@1.0.0": ("addAllSchedule",)}

    _, problems = resolve_imports(_component(ComponentType.WEBHOOK_ENDPOINT), wanted, OFFERED)

    assert problems == []
