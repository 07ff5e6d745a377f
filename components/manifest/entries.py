"""What a deployment file says, entry by entry, as plain data.

Source:
    Obelisk reference, sections 1.1, 1.2 and 11.2; ``commit_window`` is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from engine.cron.schedule import CronSchedule
from engine.cron.ticks import MissedTicks, Overlap
from engine.deployment.limits import OPERATORS, ComponentLimits
from engine.deployment.spec import (
    ComponentType,
    ExecPolicy,
    LogLevel,
    ProcessPolicy,
    RetryPolicy,
    SecretLocation,
    StreamTarget,
    WorkflowPolicy,
)
from engine.deployment.webhooks import WebhookMount
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, WitType


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReference:
    """A file that an entry names.

    Args:
        path: Relative to the deployment file's folder, with ``/``; never leaves it by its text.
        content_digest: ``sha256:`` digest that the content must have, if the entry pins one.
        key: The key that names it, for error messages.
    """

    path: str
    content_digest: str | None
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """One environment variable of a guest.

    Args:
        key: Its name in the guest.
        value: Its value with ``${NAME}`` references still in it; ``None`` forwards the variable of that name.
    """

    key: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRule:
    """One ``allowed_host`` table.

    Args:
        pattern: ``[scheme://]host[:port]``.
        methods: Allowed methods; ``None`` allows all, an empty tuple none.
        request_url_regex: With ``${NAME}`` references still in it.
        secrets: Names of the operator's secrets that a request may carry.
        replace_in: Where their placeholders are replaced.
    """

    pattern: str
    methods: tuple[str, ...] | None
    request_url_regex: str | None
    secrets: tuple[str, ...] = ()
    replace_in: tuple[SecretLocation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityEntry:
    """An ``[[activity_wasm]]`` table."""

    place: str
    name: str
    file: FileReference
    component_digest: str | None
    exec: ExecPolicy
    retry: RetryPolicy
    env_vars: tuple[EnvVar, ...]
    allowed_hosts: tuple[HostRule, ...]
    stdout: StreamTarget
    stderr: StreamTarget
    log_level: LogLevel | None
    limits: ComponentLimits = OPERATORS


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowEntry:
    """A ``[[workflow_wasm]]`` table.

    Args:
        backtrace_sources: Source files by the frame path (or ``.../suffix``) that backtraces name.
    """

    place: str
    name: str
    file: FileReference
    component_digest: str | None
    exec: ExecPolicy
    retry: RetryPolicy
    policy: WorkflowPolicy
    stub_wasi: bool
    backtrace_sources: tuple[tuple[str, FileReference], ...]
    log_level: LogLevel | None
    limits: ComponentLimits = OPERATORS


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredFunction:
    """A function whose name and type stand in the deployment file itself, or in WIT beside it.

    Args:
        type_names: Its records, variants, enums and flags that have names in the WIT, by name.
        wit_files: The texts of that WIT, by path relative to the deployment file.
    """

    name: FunctionName
    type: FunctionType
    type_names: Mapping[str, WitType] = field(default_factory=dict)
    wit_files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredActivityEntry:
    """An ``[[activity_stub]]`` or ``[[activity_external]]`` table: a schema nobody here carries out.

    Args:
        table: ``activity_stub`` or ``activity_external``.
        source: One function declared in place, or a component whose exports are the schema.
    """

    place: str
    table: str
    name: str
    source: DeclaredFunction | FileReference
    component_digest: str | None

    @property
    def component_type(self) -> ComponentType:
        """Stubs are a kind of their own; external activities are activities."""
        return ComponentType.ACTIVITY_STUB if self.table == "activity_stub" else ComponentType.ACTIVITY


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineSource:
    """Source code that stands in the deployment file itself; ``path`` is what messages call it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionPolicy:
    """How one function of a component is run, where that differs from the component; ``None`` takes what comes before.

    Args:
        max_retries: Attempts after the first one.
        backoff: Delay before the first of them.
        lock_expiry: Longest time of one attempt.
        optional_params: How many of its last parameters may be left out; its source says that, nobody else.
    """

    max_retries: int | None = None
    backoff: timedelta | None = None
    lock_expiry: timedelta | None = None
    optional_params: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFunction:
    """The one function of an ``[[activity_py]]`` or ``[[workflow_py]]`` table.

    Args:
        kind: ``activity`` or ``workflow``.
        name: Its full name.
        type: Its type, if the table gives that; else the file's hints tell it.
        wit_files: The texts of the WIT that it was read from, by path relative to the deployment file.
    """

    kind: str
    name: FunctionName
    type: FunctionType | None
    wit_files: Mapping[str, str]


class Instances(StrEnum):
    """How many calls of an activity one instance of the interpreter serves."""

    WARM = "warm"
    """One after another: modules are imported once, and what they hold is there for the next call."""
    FRESH = "fresh"
    """One."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonEntry:
    """A ``[[python]]``, ``[[activity_py]]`` or ``[[workflow_py]]`` table: Python source.

    Args:
        sources: The main file first.
        package: WIT package of its functions, if the files do not say.
        single: The one function; ``None`` in a ``[[python]]`` table, whose functions are decorated.
        activity_exec: How activities are locked and run.
        workflow_exec: How workflows are.
        activity_retry: When failed activities are tried again.
        workflow_backoff: Delay before a failed run of a workflow is tried again.
        functions: Policies of functions, by their name in Python.
        instances: Of activities; every run of a workflow has one of its own.
    """

    place: str
    table: str
    name: str
    sources: tuple[FileReference | InlineSource, ...]
    package: str | None
    single: NamedFunction | None
    activity_exec: ExecPolicy
    workflow_exec: ExecPolicy
    activity_retry: RetryPolicy
    workflow_backoff: timedelta
    policy: WorkflowPolicy
    functions: Mapping[str, FunctionPolicy]
    env_vars: tuple[EnvVar, ...]
    allowed_hosts: tuple[HostRule, ...]
    log_level: LogLevel | None
    limits: ComponentLimits = OPERATORS
    instances: Instances


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaScriptEntry:
    """An ``[[activity_js]]``, ``[[workflow_js]]`` or ``[[webhook_endpoint_js]]`` table.

    Args:
        file_digests: Digests that files must have, by path; of those that have none here, any will do.
        function: What it exports; ``None`` for a webhook endpoint.
        policy: Set for workflows only.
        webhook: Set for webhook endpoints only.
    """

    place: str
    component_type: ComponentType
    name: str
    source: FileReference | InlineSource
    file_digests: Mapping[str, str]
    component_digest: str | None
    function: DeclaredFunction | None
    exec: ExecPolicy
    retry: RetryPolicy
    policy: WorkflowPolicy | None
    webhook: WebhookMount | None
    env_vars: tuple[EnvVar, ...]
    allowed_hosts: tuple[HostRule, ...]
    stdout: StreamTarget
    stderr: StreamTarget
    log_level: LogLevel | None
    limits: ComponentLimits = OPERATORS


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEntry:
    """An ``[[activity_exec]]`` table: a native program, and the function that it carries out."""

    place: str
    name: str
    source: FileReference | InlineSource
    function: DeclaredFunction
    component_digest: str | None
    exec: ExecPolicy
    retry: RetryPolicy
    process: ProcessPolicy
    env_vars: tuple[EnvVar, ...]
    stderr: StreamTarget
    log_level: LogLevel | None
    limits: ComponentLimits = OPERATORS


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEntry:
    """A ``[[webhook_endpoint_wasm]]`` table.

    Args:
        backtrace_sources: Source files by the frame path (or ``.../suffix``) that backtraces name.
    """

    place: str
    name: str
    file: FileReference
    mount: WebhookMount
    env_vars: tuple[EnvVar, ...]
    allowed_hosts: tuple[HostRule, ...]
    stdout: StreamTarget
    stderr: StreamTarget
    backtrace_sources: tuple[tuple[str, FileReference], ...]
    log_level: LogLevel | None
    limits: ComponentLimits = OPERATORS


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonWebhookEntry:
    """A ``[[webhook_endpoint_py]]`` table.

    Args:
        sources: The main file first.
        package: WIT package of the functions that its files define, if they do not say.
    """

    place: str
    name: str
    sources: tuple[FileReference | InlineSource, ...]
    package: str | None
    mount: WebhookMount
    env_vars: tuple[EnvVar, ...]
    allowed_hosts: tuple[HostRule, ...]
    stdout: StreamTarget
    stderr: StreamTarget
    log_level: LogLevel | None
    limits: ComponentLimits = OPERATORS


BinaryEntry = ActivityEntry | WorkflowEntry | WebhookEntry | DeclaredActivityEntry
"""Entries of one component each, which is a binary or a mere declaration."""

ComponentEntry = BinaryEntry | PythonEntry | PythonWebhookEntry | JavaScriptEntry | ProcessEntry
"""Entries that components come of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronEntry:
    """A ``[[cron]]`` table: a function that is started by the clock.

    Args:
        target: The function.
        params: JSON text of its parameters.
        schedule: When.
        missed: What becomes of ticks at which no executor was there.
        overlap: Whether it is started while the last one goes on.
        lock_expiry: How long an executor may take to start it.
    """

    place: str
    name: str
    target: FunctionName
    params: str
    schedule: CronSchedule
    missed: MissedTicks
    overlap: Overlap
    lock_expiry: timedelta


Entry = ComponentEntry | CronEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A whole deployment file.

    Args:
        text: The file, verbatim.
        entries: In the order of the file, grouped by table.
        warnings: What was accepted but should be looked at, one sentence each.
    """

    text: str
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]
