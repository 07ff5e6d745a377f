"""Descriptions of components as the engine needs them; whoever stores deployments builds these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

from engine.cron.schedule import CronSchedule
from engine.cron.ticks import MissedTicks, Overlap
from engine.deployment.limits import OPERATORS, ComponentLimits
from engine.deployment.webhooks import WebhookMount
from engine.wit.names import FunctionName, InterfaceName
from engine.wit.types import FunctionType


class ComponentType(StrEnum):
    """The kinds of component that events, ids and clients name."""

    ACTIVITY = "activity"
    ACTIVITY_STUB = "activity_stub"
    WORKFLOW = "workflow"
    WEBHOOK_ENDPOINT = "webhook_endpoint"
    CRON = "cron"


class Runner(StrEnum):
    """What carries out a component's functions."""

    WASM = "wasm"
    """A compiled component in the sandbox."""
    SOURCE = "source"
    """Source files, carried out by an interpreter in the sandbox."""
    PROCESS = "process"
    """A native program, in a process of its own for each run."""
    HOST = "host"
    """Functions of the program that hosts the executor; it finds them by itself, no deployment file names them."""
    NONE = "none"
    """Nobody here: stubs and external activities, whose result is brought from outside."""


class LockingStrategy(StrEnum):
    """Which executions of a function an executor may lock."""

    AUTO = "auto"
    BY_FFQNS = "by_ffqns"
    BY_COMPONENT_DIGEST = "by_component_digest"


class ComponentId(Struct, frozen=True, kw_only=True, gc=False):
    """Identity of one version of a component inside a deployment.

    Args:
        component_type: Its kind.
        name: Its name in the deployment file.
        digest: ``sha256:`` and 64 lower-case hex digits over what the component is.
    """

    component_type: ComponentType
    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.component_type}:{self.name}:{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed run is tried again.

    Args:
        max_retries: Runs after the first one; ``None`` means without end (workflows).
        backoff: Delay before the first retry; it doubles with every further one.
    """

    max_retries: int | None
    backoff: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecPolicy:
    """How executors lock and run a component.

    Args:
        batch_size: Most executions locked at once.
        lock_expiry: Length of a lock, and the longest time one activity run may take.
        locking_strategy: Which executions may be locked.
        instance_limit: Most concurrent runs of the component in one executor; ``None`` is unlimited.
    """

    batch_size: int = 5
    lock_expiry: timedelta = timedelta(seconds=1)
    locking_strategy: LockingStrategy = LockingStrategy.BY_FFQNS
    instance_limit: int | None = None


class BlockingStrategy(StrEnum):
    """What a workflow run does when it waits."""

    AWAIT = "await"
    """Stay in memory for a while, then unload."""
    INTERRUPT = "interrupt"
    """Unload at once and replay later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowPolicy:
    """How workflow runs wait and write.

    Args:
        blocking_strategy: See `BlockingStrategy`.
        non_blocking_event_batching: Most events buffered before a commit is forced; 0 commits each one.
        lock_extension: Whether a run extends its lock while it works.
        lock_extension_leeway: How long before expiry the extension is due.
        commit_window: Longest time a pure step's events stay uncommitted; ``None`` takes the executor's default,
            zero commits every step.
    """

    blocking_strategy: BlockingStrategy = BlockingStrategy.AWAIT
    non_blocking_event_batching: int = 100
    lock_extension: bool = True
    lock_extension_leeway: timedelta = timedelta(milliseconds=100)
    commit_window: timedelta | None = None


class LogLevel(StrEnum):
    """Severity of a guest's log line, lowest first."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class StreamTarget(StrEnum):
    """Where what a guest prints goes."""

    NONE = "none"
    STDOUT = "stdout"
    STDERR = "stderr"
    DB = "db"


class SecretLocation(StrEnum):
    """A part of a request in which a secret's placeholder is replaced."""

    HEADERS = "headers"
    PARAMS = "params"
    BODY = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHost:
    """One rule of what a component may send HTTP requests to; rules are or-ed.

    Args:
        pattern: ``[scheme://]host[:port]``, with one ``*`` at most, at an end of the host.
        methods: HTTP methods that are allowed; ``None`` allows all, an empty tuple none.
        request_url_regex: Searched for in ``METHOD scheme://authority/path``; ``None`` allows all.
        secrets: Names of the secrets that a request which this rule lets out may carry.
        replace_in: Where their placeholders are replaced.

    Source:
        Obelisk reference, section 7.1.
    """

    pattern: str
    methods: tuple[str, ...] | None
    request_url_regex: str | None = None
    secrets: tuple[str, ...] = ()
    replace_in: tuple[SecretLocation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPolicy:
    """What a component's sandbox offers besides its imports.

    Args:
        env_vars: The guest's environment, resolved.
        allowed_hosts: Where it may send HTTP requests; empty denies all.
        stdout: Where its standard output goes.
        stderr: Where its standard error goes.
        stub_wasi: Whether a workflow gets WASI interfaces without any effect instead of none.
    """

    env_vars: Mapping[str, str] = field(default_factory=dict)
    allowed_hosts: tuple[AllowedHost, ...] = ()
    stdout: StreamTarget = StreamTarget.DB
    stderr: StreamTarget = StreamTarget.DB
    stub_wasi: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPolicy:
    """How a native program is run.

    Args:
        params_via_stdin: Whether it reads its parameters as JSON, instead of having one argument for each.
        max_output_bytes: Most bytes that it may print as its result.
        secrets: Names of the operator's secrets that it reads as JSON.
    """

    params_via_stdin: bool = False
    max_output_bytes: int = 4096
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """One primary function that a component exports.

    Args:
        retry: When its failed runs are tried again, where that differs from its component's policy.
        lock_expiry: Longest time one run of it may take, where that differs from its component's.
        optional_params: How many of its last parameters have defaults in its source, so that they may be left out.
    """

    name: FunctionName
    type: FunctionType
    retry: RetryPolicy | None = None
    lock_expiry: timedelta | None = None
    optional_params: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSpec:
    """One component of a deployment.

    Args:
        id: Its identity.
        runner: What carries out its functions.
        functions: Its exported primary functions, in declaration order.
        imports: What it imports, by interface and function name; empty where there is no binary.
        wasm_digest: Content digest of the binary, or ``None`` where there is none; of the interpreter's binary where
            that carries out source files.
        artefact_digest: Content digest of what the interpreter made of the source files, or of a native program;
            ``None`` where there is neither.
        retry: When failed runs are tried again.
        exec: How executors lock and run it.
        workflow: Set for workflows only.
        sandbox: What its sandbox offers.
        may_touch_world: Whether a run can have an effect outside the sandbox. False means running it again after a
            crash cannot be observed, so its events may share a later commit (design: output commit).
        log_level: Lowest level of guest log lines that are stored; ``None`` stores none.
        reuses_instances: Whether an instance of an interpreter may serve one call after another, with the modules that
            the first one imported; activities only.
        process: Set for native programs only.
        webhook: Set for webhook endpoints only.
        limits: What its runs may use up, where that is less than the operator gives.
    """

    id: ComponentId
    runner: Runner
    functions: tuple[FunctionSpec, ...]
    imports: Mapping[InterfaceName, Mapping[str, FunctionType]] = field(default_factory=dict)
    wasm_digest: str | None = None
    artefact_digest: str | None = None
    retry: RetryPolicy
    exec: ExecPolicy = ExecPolicy()
    workflow: WorkflowPolicy | None = None
    sandbox: SandboxPolicy = SandboxPolicy()
    may_touch_world: bool = True
    log_level: LogLevel | None = LogLevel.DEBUG
    reuses_instances: bool = False
    process: ProcessPolicy | None = None
    webhook: WebhookMount | None = None
    limits: ComponentLimits = OPERATORS

    @property
    def is_run_here(self) -> bool:
        """Whether executors run its functions."""
        return self.runner is not Runner.NONE and self.id.component_type is not ComponentType.WEBHOOK_ENDPOINT

    @property
    def can_be_stopped(self) -> bool:
        """Whether a run ends when it is told to; the host's own functions end when they like."""
        return self.runner is not Runner.HOST


@dataclass(frozen=True, slots=True, kw_only=True)
class CronSpec:
    """A function that is started again and again, by a *seed*: one execution for as long as the entry stays the same.

    Args:
        id: Its identity; the digest covers what is started and when.
        target: The function.
        params: JSON array of its parameters.
        schedule: When.
        missed: What becomes of ticks at which no executor was there.
        overlap: Whether it is started while the last one goes on.
        lock_expiry: How long a lock of its seed lasts.

    Source:
        Obelisk reference, section 5.12; time zone, ``missed`` and ``overlap`` are ours.
    """

    id: ComponentId
    target: FunctionName
    params: str
    schedule: CronSchedule
    missed: MissedTicks = MissedTicks.RUN_ONCE
    overlap: Overlap = Overlap.ALLOW
    lock_expiry: timedelta = timedelta(seconds=1)

    @property
    def ffqn(self) -> str:
        """The function that its seed is said to be a call of; nobody can call it."""
        return f"obelisk-cron-{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSpec:
    """A set of components that run together.

    Args:
        id: ``Dep_`` and a ULID.
        components: All of them, in the order of the deployment file.
        crons: What is started by the clock, in the order of the deployment file.
    """

    id: str
    components: tuple[ComponentSpec, ...]
    crons: tuple[CronSpec, ...] = ()
