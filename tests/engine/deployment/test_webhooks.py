from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.deployment.spec import ComponentSpec, ComponentType
from engine.deployment.verify import verify
from engine.deployment.webhooks import Route, WebhookMount
from engine.wit.extensions import extension_functions
from engine.wit.obelisk_types import SIGNAL_SUPPORT, WEBHOOK_SUPPORT, WEBHOOK_SUPPORT_BACKTRACE, WORKFLOW_SUPPORT
from engine.wit.types import FunctionType
from tests.engine.deployment.builders import make_component

WEBHOOK = ComponentType.WEBHOOK_ENDPOINT
FIBO = make_component("fibo", exports={"testing:fibo/fibo.fibo": "u8 -> result<u64>"})


def endpoint(
    name: str = "hook",
    *routes: str,
    imports: Mapping[str, Mapping[str, str | FunctionType]] | None = None,
    digest: str | None = None,
) -> ComponentSpec:
    component = make_component(name, WEBHOOK, exports={}, imports=imports, digest=digest)
    paths = routes or (f"/{name}",)
    mount = WebhookMount(http_server="external", routes=tuple(Route(methods=(), path=path) for path in paths))
    return replace(component, webhook=mount)


def problems(*components: ComponentSpec) -> list[str]:
    return [str(problem) for problem in verify(components)]


def test_an_endpoint_may_import_what_is_for_endpoints() -> None:
    companions = {
        companion.kind: companion
        for companion in extension_functions(FIBO.functions[0].name, FIBO.functions[0].type, "activity")
    }
    imports: dict[str, dict[str, str | FunctionType]] = {
        "obelisk:webhook/webhook-support@6.0.0": dict(WEBHOOK_SUPPORT),
        "obelisk:webhook/webhook-support-backtrace@6.0.0": dict(WEBHOOK_SUPPORT_BACKTRACE),
        "obelisk:signal/signal-support@1.0.0": dict(SIGNAL_SUPPORT),
        "obelisk:types/execution@5.0.0": {},
        "wasi:http/types@0.2.12": {},
        "testing:fibo/fibo": {"fibo": "u8 -> result<u64>"},
        "testing:fibo-obelisk-schedule/fibo": {"fibo-schedule": companions["schedule"].type},
    }

    assert problems(FIBO, endpoint(imports=imports)) == []


def test_what_is_for_workflows_is_refused() -> None:
    companions = {
        companion.kind: companion
        for companion in extension_functions(FIBO.functions[0].name, FIBO.functions[0].type, "activity")
    }
    support = endpoint(imports={"obelisk:workflow/workflow-support@6.0.0": dict(WORKFLOW_SUPPORT)})
    submit = endpoint(imports={"testing:fibo-obelisk-ext/fibo": {"fibo-submit": companions["submit"].type}})

    assert "to workflows only" in problems(FIBO, support)[0]
    assert "those that schedule them, only" in problems(FIBO, submit)[0]


def test_one_binary_may_be_mounted_twice() -> None:
    assert problems(endpoint("one", digest="sha256:same"), endpoint("two", digest="sha256:same")) == []


def test_routes_that_clash_are_refused() -> None:
    (problem,) = problems(endpoint("one", "/a/:x"), endpoint("two", "/a/:y"))

    assert problem == 'component two, route "/a/:y": a route of component one matches the same'
