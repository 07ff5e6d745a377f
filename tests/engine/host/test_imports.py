from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.deployment.spec import ComponentType
from engine.errors import LinkError
from engine.host.imports import imports_for
from engine.wasm.introspection import ComponentShape, InterfaceShape
from engine.wasm.linking import link
from engine.wit.types import FunctionType
from tests.harness.components import compiled


def _shape(*imports: str) -> ComponentShape:
    interface = InterfaceShape(functions={"f": FunctionType((), None)}, resources={})
    return ComponentShape(imports=dict.fromkeys(imports, interface), exports={})


@pytest.mark.parametrize(
    ("component_type", "name"),
    [(ComponentType.ACTIVITY, "probe"), (ComponentType.WORKFLOW, "stepper"), (ComponentType.WORKFLOW, "stubs")],
)
def test_everything_that_a_component_imports_is_offered_in_its_exact_type(
    component_type: ComponentType, name: str
) -> None:
    component = compiled(name)

    offered = imports_for(component_type, component.shape)

    assert offered.keys() == component.shape.imports.keys()
    link(component.engine, component, offered)  # raises if a type differs


@pytest.mark.parametrize(
    "text",
    [
        "obelisk:log/log@1.0.0",
        "obelisk:log/log@1.2.3",
        "obelisk:types/time@5.0.0",
        "obelisk:types/execution@5.1.0",
        "obelisk:types/join-set@5.0.0",
        "obelisk:workflow/workflow-support@6.0.0",
        "obelisk:workflow/workflow-support-backtrace@6.0.0",
        "anybody:else/api",
    ],
)
def test_a_workflow_may_import_its_host_and_other_components(text: str) -> None:
    shape = ComponentShape(imports={text: InterfaceShape(functions={}, resources={})}, exports={})

    assert list(imports_for(ComponentType.WORKFLOW, shape)) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "obelisk:workflow/workflow-support@5.1.0",
        "obelisk:types/execution@4.2.0",
        "obelisk:log/log",
        "obelisk:unknown/thing@1.0.0",
        "wasi:clocks/wall-clock@0.2.0",
        "wasi:random/random@0.2.0",
        "wasi:http/outgoing-handler@0.2.0",
    ],
)
def test_a_workflow_gets_no_other_version_no_clock_no_chance_and_no_network(text: str) -> None:
    with pytest.raises(LinkError, match="cannot import"):
        imports_for(ComponentType.WORKFLOW, _shape(text))


@pytest.mark.parametrize("text", ["obelisk:workflow/workflow-support@6.0.0", "anybody:else/api"])
def test_an_activity_gets_nothing_that_is_for_workflows(text: str) -> None:
    with pytest.raises(LinkError, match="activity"):
        imports_for(ComponentType.ACTIVITY, _shape(text))


def test_what_is_offered_goes_by_the_name_that_the_component_uses() -> None:
    offered: Mapping[str, object] = imports_for(ComponentType.ACTIVITY, _shape("obelisk:log/log@1.9.0"))

    assert list(offered) == ["obelisk:log/log@1.9.0"]


@pytest.mark.parametrize("version", ["0.2.0", "0.2.3", "0.2.12", "0.2.99"])
def test_wasi_is_offered_in_every_patch_version(version: str) -> None:
    texts = [f"wasi:io/poll@{version}", f"wasi:http/types@{version}", f"wasi:cli/environment@{version}"]

    assert list(imports_for(ComponentType.ACTIVITY, _shape(*texts))) == texts


@pytest.mark.parametrize(
    "text",
    ["wasi:io/poll@0.3.0", "wasi:io/poll@1.2.0", "wasi:io/poll", "wasi:nn/tensor@0.2.0", "wasi:http/proxy@0.2.0"],
)
def test_no_other_wasi_is_offered(text: str) -> None:
    with pytest.raises(LinkError, match="cannot import"):
        imports_for(ComponentType.ACTIVITY, _shape(text))


def test_a_workflow_gets_wasi_without_http_if_it_asks() -> None:
    shape = _shape("wasi:clocks/wall-clock@0.2.3", "wasi:random/random@0.2.3")

    assert list(imports_for(ComponentType.WORKFLOW, shape, stub_wasi=True)) == list(shape.imports)
    with pytest.raises(LinkError, match="wasi:http/types"):
        imports_for(ComponentType.WORKFLOW, _shape("wasi:http/types@0.2.3"), stub_wasi=True)
