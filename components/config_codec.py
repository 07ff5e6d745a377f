"""The stored form of a component's configuration.

Written out by hand, so that renaming a field cannot change what stored deployments mean. Environment variables are
stored with their references unresolved: their values belong to the machine that runs the component, and may be
secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from components.manifest.entries import EnvVar, FunctionPolicy, HostRule
from components.webhook_codec import decode_webhook, encode_webhook
from engine.deployment.limits import OPERATORS, ComponentLimits
from engine.deployment.spec import (
    BlockingStrategy,
    ExecPolicy,
    LockingStrategy,
    LogLevel,
    ProcessPolicy,
    RetryPolicy,
    SecretLocation,
    StreamTarget,
    WorkflowPolicy,
)
from engine.deployment.webhooks import WebhookMount
from engine.errors import DeploymentError
from engine.wit.grammar import format_type, parse_type
from engine.wit.types import WitType

CONFIG_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOrigin:
    """Where a component written as source comes from.

    Args:
        language: ``python`` or ``javascript``.
        runtime: Digest of what its interpreter is built from; two builds of it differ, so others take this one's.
        files: Digests of its files, by path; the main file first.
    """

    language: str
    runtime: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentConfig:
    """Everything a deployment file says about a component but its name, its functions and its binary.

    Args:
        retry: When failed runs are tried again.
        exec: How executors lock and run it.
        workflow: Set for workflows only.
        env_vars: With references unresolved.
        allowed_hosts: With references unresolved.
        stdout: Where its standard output goes.
        stderr: Where its standard error goes.
        stub_wasi: Whether a workflow gets WASI interfaces without any effect.
        backtrace_sources: Digests of source files, by the frame path that backtraces name.
        log_level: Lowest level of log lines that are stored; ``None`` stores none.
        functions: Policies of single functions, by full name.
        source: Where a component written as source comes from; ``None`` for others.
        reuses_instances: Whether an interpreter's instance may serve one call after another.
        webhook: Where a webhook endpoint is mounted; ``None`` for others.
        process: How a native program is run; ``None`` for others.
        limits: What its runs may use up.
        type_names: Names that the author of its WIT gave to types of its function.
    """

    retry: RetryPolicy
    exec: ExecPolicy
    workflow: WorkflowPolicy | None
    env_vars: tuple[EnvVar, ...]
    allowed_hosts: tuple[HostRule, ...]
    stdout: StreamTarget
    stderr: StreamTarget
    stub_wasi: bool
    backtrace_sources: Mapping[str, str]
    log_level: LogLevel | None
    functions: Mapping[str, FunctionPolicy] = field(default_factory=dict)
    source: SourceOrigin | None = None
    reuses_instances: bool = False
    webhook: WebhookMount | None = None
    process: ProcessPolicy | None = None
    limits: ComponentLimits = OPERATORS
    type_names: Mapping[str, WitType] = field(default_factory=dict)


def encode_config(config: ComponentConfig) -> dict[str, Any]:
    """Return the JSON form of a configuration; durations are whole milliseconds."""
    stored = {
        "version": CONFIG_VERSION,
        "retry": {"max_retries": config.retry.max_retries, "backoff_ms": _milliseconds(config.retry.backoff)},
        "exec": {
            "batch_size": config.exec.batch_size,
            "lock_expiry_ms": _milliseconds(config.exec.lock_expiry),
            "locking_strategy": config.exec.locking_strategy.value,
            "instance_limit": config.exec.instance_limit,
        },
        "workflow": None if config.workflow is None else _encode_workflow(config.workflow),
        "env_vars": [{"key": variable.key, "value": variable.value} for variable in config.env_vars],
        "allowed_hosts": [_encode_rule(rule) for rule in config.allowed_hosts],
        "stdout": config.stdout.value,
        "stderr": config.stderr.value,
        "stub_wasi": config.stub_wasi,
        "backtrace_sources": dict(config.backtrace_sources),
        "log_level": None if config.log_level is None else config.log_level.value,
    }
    # Components that are binaries have neither, and so had all before there were others.
    if config.functions:
        stored["functions"] = {name: _encode_function(policy) for name, policy in config.functions.items()}
    if config.source is not None:
        stored["source"] = _encode_source(config.source)
        stored["reuses_instances"] = config.reuses_instances
    if config.webhook is not None:
        stored["webhook"] = encode_webhook(config.webhook)
    if config.process is not None:
        stored["process"] = _encode_process(config.process)
    if config.limits != OPERATORS:
        stored["limits"] = _encode_limits(config.limits)
    if config.type_names:
        stored["type_names"] = {name: format_type(wit_type) for name, wit_type in config.type_names.items()}
    return stored


def decode_config(stored: Any) -> ComponentConfig:
    """Read the JSON form back.

    Raises:
        DeploymentError: If it is of a version that this one cannot read, or incomplete.
    """
    if not isinstance(stored, dict) or stored.get("version") != CONFIG_VERSION:
        raise DeploymentError(f"a stored configuration is not of version {CONFIG_VERSION}, the one this program reads")
    try:
        return _decode(stored)
    except (KeyError, TypeError, ValueError) as exc:
        raise DeploymentError(f"a stored configuration cannot be read: {exc!r}") from exc


def digests_in(stored: Mapping[str, Any]) -> Iterator[str]:
    """Return the digests of the files that a stored form names, of whatever version it is."""
    yield from stored.get("backtrace_sources", {}).values()
    yield from stored.get("source", {}).get("files", {}).values()


def _encode_rule(rule: HostRule) -> dict[str, Any]:
    stored: dict[str, Any] = {
        "pattern": rule.pattern,
        "methods": None if rule.methods is None else list(rule.methods),
        "request_url_regex": rule.request_url_regex,
    }
    if rule.secrets or rule.replace_in:
        stored["secrets"] = list(rule.secrets)
        stored["replace_in"] = [location.value for location in rule.replace_in]
    return stored


def _encode_limits(limits: ComponentLimits) -> dict[str, Any]:
    return {
        "memory_bytes": limits.memory_bytes,
        "fuel": limits.fuel,
        "output_bytes": limits.output_bytes,
        "log_lines": limits.log_lines,
        "params_bytes": limits.params_bytes,
        "result_bytes": limits.result_bytes,
    }


def _decode_limits(stored: dict[str, Any] | None) -> ComponentLimits:
    if stored is None:
        return OPERATORS
    return ComponentLimits(
        memory_bytes=stored["memory_bytes"],
        fuel=stored["fuel"],
        output_bytes=stored["output_bytes"],
        log_lines=stored["log_lines"],
        params_bytes=stored["params_bytes"],
        result_bytes=stored["result_bytes"],
    )


def _encode_process(policy: ProcessPolicy) -> dict[str, Any]:
    return {
        "params_via_stdin": policy.params_via_stdin,
        "max_output_bytes": policy.max_output_bytes,
        "secrets": list(policy.secrets),
    }


def _decode_process(stored: dict[str, Any] | None) -> ProcessPolicy | None:
    if stored is None:
        return None
    return ProcessPolicy(
        params_via_stdin=stored["params_via_stdin"],
        max_output_bytes=stored["max_output_bytes"],
        secrets=tuple(stored["secrets"]),
    )


def _encode_workflow(policy: WorkflowPolicy) -> dict[str, Any]:
    return {
        "blocking_strategy": policy.blocking_strategy.value,
        "non_blocking_event_batching": policy.non_blocking_event_batching,
        "lock_extension": policy.lock_extension,
        "lock_extension_leeway_ms": _milliseconds(policy.lock_extension_leeway),
        "commit_window_ms": None if policy.commit_window is None else _milliseconds(policy.commit_window),
    }


def _decode(stored: dict[str, Any]) -> ComponentConfig:
    retry, policy = stored["retry"], stored["exec"]
    level = stored["log_level"]
    return ComponentConfig(
        retry=RetryPolicy(max_retries=retry["max_retries"], backoff=_duration(retry["backoff_ms"])),
        exec=ExecPolicy(
            batch_size=policy["batch_size"],
            lock_expiry=_duration(policy["lock_expiry_ms"]),
            locking_strategy=LockingStrategy(policy["locking_strategy"]),
            instance_limit=policy["instance_limit"],
        ),
        workflow=None if stored["workflow"] is None else _decode_workflow(stored["workflow"]),
        env_vars=tuple(EnvVar(key=item["key"], value=item["value"]) for item in stored["env_vars"]),
        allowed_hosts=tuple(
            HostRule(
                pattern=item["pattern"],
                methods=None if item["methods"] is None else tuple(item["methods"]),
                request_url_regex=item["request_url_regex"],
                secrets=tuple(item.get("secrets", ())),
                replace_in=tuple(map(SecretLocation, item.get("replace_in", ()))),
            )
            for item in stored["allowed_hosts"]
        ),
        stdout=StreamTarget(stored["stdout"]),
        stderr=StreamTarget(stored["stderr"]),
        stub_wasi=stored["stub_wasi"],
        backtrace_sources=dict(stored["backtrace_sources"]),
        log_level=None if level is None else LogLevel(level),
        functions={name: _decode_function(policy) for name, policy in stored.get("functions", {}).items()},
        source=_decode_source(stored.get("source")),
        reuses_instances=stored.get("reuses_instances", False),
        webhook=decode_webhook(stored.get("webhook")),
        process=_decode_process(stored.get("process")),
        limits=_decode_limits(stored.get("limits")),
        type_names={name: parse_type(text) for name, text in stored.get("type_names", {}).items()},
    )


def _encode_function(policy: FunctionPolicy) -> dict[str, Any]:
    stored: dict[str, Any] = {
        "max_retries": policy.max_retries,
        "backoff_ms": None if policy.backoff is None else _milliseconds(policy.backoff),
        "lock_expiry_ms": None if policy.lock_expiry is None else _milliseconds(policy.lock_expiry),
    }
    if policy.optional_params:
        stored["optional_params"] = policy.optional_params
    return stored


def _decode_function(stored: dict[str, Any]) -> FunctionPolicy:
    backoff, expiry = stored["backoff_ms"], stored["lock_expiry_ms"]
    return FunctionPolicy(
        max_retries=stored["max_retries"],
        backoff=None if backoff is None else _duration(backoff),
        lock_expiry=None if expiry is None else _duration(expiry),
        optional_params=stored.get("optional_params", 0),
    )


def _encode_source(source: SourceOrigin) -> dict[str, Any]:
    return {"language": source.language, "runtime": source.runtime, "files": dict(source.files)}


def _decode_source(stored: dict[str, Any] | None) -> SourceOrigin | None:
    if stored is None:
        return None
    return SourceOrigin(language=stored["language"], runtime=stored["runtime"], files=dict(stored["files"]))


def _decode_workflow(stored: dict[str, Any]) -> WorkflowPolicy:
    window = stored["commit_window_ms"]
    return WorkflowPolicy(
        blocking_strategy=BlockingStrategy(stored["blocking_strategy"]),
        non_blocking_event_batching=stored["non_blocking_event_batching"],
        lock_extension=stored["lock_extension"],
        lock_extension_leeway=_duration(stored["lock_extension_leeway_ms"]),
        commit_window=None if window is None else _duration(window),
    )


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _duration(milliseconds: int) -> timedelta:
    return timedelta(milliseconds=milliseconds)
