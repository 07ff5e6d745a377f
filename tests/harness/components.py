"""The components of ``tests/components``, compiled once a process, as a deployment describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from engine.deployment.registry import Registry
from engine.deployment.spec import (
    AllowedHost,
    ComponentId,
    ComponentSpec,
    ComponentType,
    DeploymentSpec,
    ExecPolicy,
    FunctionSpec,
    LogLevel,
    RetryPolicy,
    Runner,
    SandboxPolicy,
    StreamTarget,
    WorkflowPolicy,
)
from engine.errors import InvalidComponent
from engine.log.ids import make_deployment_id
from engine.wasm.component import CompiledComponent, compile_component, digest_of
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.types import FunctionType, Param

PROBE = "test:probe/activity"
STEPPER = "test:stepper/workflow"
RUN = f"{STEPPER}.run"
RUN_CANCELLABLE = f"{STEPPER}.run-cancellable"
NESTED = f"{STEPPER}.nested"
ADD = f"{PROBE}.add"
CLIMB = "test:climber/workflow.climb"
APPROVE = "test:stubs/human.approve"
ASK = "test:stub-flow/workflow.ask"
ASK_AND_WAIT = "test:stub-flow/workflow.ask-and-wait"

_POLICY = WorkflowPolicy()
_ROOT = Path(__file__).parents[1] / "components"
_WASM_FILES = {
    name: _ROOT / name / f"{name}.wasm" for name in ("probe", "stepper", "stubs", "courier", "stubbed", "climber")
}


@lru_cache
def compiled(name: str) -> CompiledComponent:
    """Return one of the test components, ready to be linked."""
    return compile_component(WasmEngine.for_process(WasmSettings()), _WASM_FILES[name].read_bytes())


@lru_cache
def _names_by_digest() -> Mapping[str, str]:
    return {digest_of(path.read_bytes()): name for name, path in _WASM_FILES.items()}


def load(wasm_digest: str, _runner: Runner) -> CompiledComponent:
    """Find a test component by its content, as an executor does."""
    if wasm_digest in _runtimes:
        return _runtimes[wasm_digest]
    try:
        return compiled(_names_by_digest()[wasm_digest])
    except KeyError:
        raise InvalidComponent(f"no test component has the digest {wasm_digest}") from None


def wasm_of(component: CompiledComponent) -> bytes:
    """Return the binary of a test component."""
    return _WASM_FILES[_names_by_digest()[component.digest]].read_bytes()


_runtimes: dict[str, CompiledComponent] = {}
_files: dict[str, bytes] = {}


def add_runtime(compiled: CompiledComponent) -> None:
    """Let executors find the runtime of source components."""
    _runtimes[compiled.digest] = compiled


def add_file(content: bytes) -> str:
    """Let executors find the file of a source component, and return its digest."""
    digest = digest_of(content)
    _files[digest] = content
    return digest


def read(digest: str) -> bytes:
    """Return the file of a source component, as an executor does."""
    return _files[digest]


def probe(
    *,
    max_retries: int | None = 5,
    backoff: timedelta = timedelta(milliseconds=100),
    lock_expiry: timedelta = timedelta(seconds=1),
    instance_limit: int | None = None,
    may_touch_world: bool = False,
    wasm_digest: str | None = None,
) -> ComponentSpec:
    """Describe the activity that echoes, fails and overdoes things; ``wasm_digest`` names another binary."""
    return _wasm_component(
        "probe",
        ComponentType.ACTIVITY,
        "probe",
        retry=RetryPolicy(max_retries=max_retries, backoff=backoff),
        exec_policy=ExecPolicy(lock_expiry=lock_expiry, instance_limit=instance_limit),
        may_touch_world=may_touch_world,
        wasm_digest=wasm_digest,
    )


def stepper(
    *,
    policy: WorkflowPolicy = _POLICY,
    backoff: timedelta = timedelta(milliseconds=100),
    lock_expiry: timedelta = timedelta(seconds=1),
    instance_limit: int | None = None,
    digest: str | None = None,
) -> ComponentSpec:
    """Describe the workflow that takes the steps in its parameter; ``digest`` makes it another version of itself."""
    return _wasm_component(
        "stepper",
        ComponentType.WORKFLOW,
        "stepper",
        retry=RetryPolicy(max_retries=None, backoff=backoff),
        exec_policy=ExecPolicy(lock_expiry=lock_expiry, instance_limit=instance_limit),
        workflow=policy,
        digest=digest,
    )


def climber() -> ComponentSpec:
    """Describe the workflow that is built with its source lines."""
    return _wasm_component(
        "climber",
        ComponentType.WORKFLOW,
        "climber",
        retry=RetryPolicy(max_retries=None, backoff=timedelta(milliseconds=100)),
        exec_policy=ExecPolicy(),
        workflow=_POLICY,
    )


def courier(
    *,
    allowed_hosts: tuple[AllowedHost, ...] = (),
    env_vars: Mapping[str, str] | None = None,
    max_retries: int | None = 0,
    lock_expiry: timedelta = timedelta(seconds=20),
    stdout: StreamTarget = StreamTarget.DB,
    log_level: LogLevel | None = LogLevel.DEBUG,
) -> ComponentSpec:
    """Describe the activity that uses WASI."""
    component = _wasm_component(
        "courier",
        ComponentType.ACTIVITY,
        "courier",
        retry=RetryPolicy(max_retries=max_retries, backoff=timedelta(milliseconds=1)),
        exec_policy=ExecPolicy(lock_expiry=lock_expiry),
        may_touch_world=bool(allowed_hosts),
    )
    sandbox = SandboxPolicy(env_vars=env_vars or {}, allowed_hosts=allowed_hosts, stdout=stdout)
    return replace(component, sandbox=sandbox, log_level=log_level)


def stubbed(*, stub_wasi: bool = True) -> ComponentSpec:
    """Describe the workflow that looks at WASI."""
    component = _wasm_component(
        "stubbed",
        ComponentType.WORKFLOW,
        "stubbed",
        retry=RetryPolicy(max_retries=None, backoff=timedelta(milliseconds=100)),
        exec_policy=ExecPolicy(),
        workflow=_POLICY,
    )
    return replace(component, sandbox=SandboxPolicy(stub_wasi=stub_wasi))


def stub_flow(*, policy: WorkflowPolicy = _POLICY) -> ComponentSpec:
    """Describe the workflow around the stub activity."""
    return _wasm_component(
        "stub_flow",
        ComponentType.WORKFLOW,
        "stubs",
        retry=RetryPolicy(max_retries=None, backoff=timedelta(milliseconds=100)),
        exec_policy=ExecPolicy(),
        workflow=policy,
    )


def approve() -> ComponentSpec:
    """Describe the stub activity, which has no implementation."""
    name = FunctionName.parse(APPROVE)
    function = FunctionType((Param("request", parse_type("string")),), parse_type("result<bool, string>"))
    return ComponentSpec(
        id=ComponentId(component_type=ComponentType.ACTIVITY_STUB, name="approve", digest=f"sha256:{'a' * 64}"),
        runner=Runner.NONE,
        functions=(FunctionSpec(name=name, type=function),),
        retry=RetryPolicy(max_retries=0, backoff=timedelta()),
    )


def deploy(*components: ComponentSpec) -> Registry:
    """Return the functions of a deployment of these components, or of all test components as they come."""
    chosen = components or (probe(), stepper(), stub_flow(), approve())
    deployment_id = make_deployment_id(datetime(2026, 1, 1, tzinfo=UTC), bytes(10))
    return Registry(DeploymentSpec(id=deployment_id, components=chosen))


def _wasm_component(
    name: str,
    component_type: ComponentType,
    wasm: str,
    *,
    retry: RetryPolicy,
    exec_policy: ExecPolicy,
    workflow: WorkflowPolicy | None = None,
    may_touch_world: bool = False,
    digest: str | None = None,
    wasm_digest: str | None = None,
) -> ComponentSpec:
    component = compiled(wasm)
    return ComponentSpec(
        id=ComponentId(component_type=component_type, name=name, digest=digest or component.digest),
        runner=Runner.WASM,
        functions=tuple(
            FunctionSpec(name=FunctionName(InterfaceName.parse(interface), function), type=function_type)
            for interface, shape in component.shape.exports.items()
            for function, function_type in shape.functions.items()
        ),
        wasm_digest=wasm_digest or component.digest,
        retry=retry,
        exec=exec_policy,
        workflow=workflow,
        may_touch_world=may_touch_world,
    )
