"""Keys about how a component is run, which most tables have in common; as arguments of the entries that they end up in.

Source:
    Obelisk reference, section 1.2.
"""

from __future__ import annotations

from typing import TypedDict

from components.manifest.entries import EnvVar, HostRule
from components.manifest.hosts import read_host_rules
from components.manifest.limits import read_limits
from components.manifest.shared_keys import (
    DEFAULT_BACKOFF,
    DEFAULT_MAX_RETRIES,
    read_component_digest,
    read_env_vars,
    read_exec,
    read_log_level,
)
from components.manifest.table_reader import TableReader
from components.manifest.workflow_policy import read_policy
from engine.deployment.limits import ComponentLimits
from engine.deployment.spec import ExecPolicy, LogLevel, RetryPolicy, StreamTarget, WorkflowPolicy


class Watching(TypedDict):
    """What is kept of a run, and what it may use up."""

    log_level: LogLevel | None
    limits: ComponentLimits


class ActivityRun(Watching):
    """How an activity is locked, run and tried again."""

    component_digest: str | None
    exec: ExecPolicy
    retry: RetryPolicy


class WorkflowRun(ActivityRun):
    """How a workflow is locked and run, and how it waits."""

    policy: WorkflowPolicy


class Outside(TypedDict):
    """What a component knows of the world, and what the world sees of it."""

    env_vars: tuple[EnvVar, ...]
    allowed_hosts: tuple[HostRule, ...]
    stdout: StreamTarget
    stderr: StreamTarget


NO_OUTSIDE = Outside(env_vars=(), allowed_hosts=(), stdout=StreamTarget.NONE, stderr=StreamTarget.NONE)
"""Of a workflow, whose steps must replay."""


def read_watching(reader: TableReader) -> Watching:
    """Read the keys of every component that runs."""
    return Watching(log_level=read_log_level(reader), limits=read_limits(reader))


def read_activity_run(reader: TableReader) -> ActivityRun:
    """Read the keys of an activity."""
    return ActivityRun(
        **read_watching(reader),
        component_digest=read_component_digest(reader),
        exec=read_exec(reader, is_workflow=False),
        retry=read_retry(reader),
    )


def read_workflow_run(reader: TableReader) -> WorkflowRun:
    """Read the keys of a workflow; its failed runs are repeated without end."""
    backoff = reader.duration("retry_exp_backoff", default=DEFAULT_BACKOFF)
    if not backoff:
        reader.refuse("retry_exp_backoff", "must be longer than zero for a workflow")
    return WorkflowRun(
        **read_watching(reader),
        component_digest=read_component_digest(reader),
        exec=read_exec(reader, is_workflow=True),
        retry=RetryPolicy(max_retries=None, backoff=backoff),
        policy=read_policy(reader),
    )


def read_retry(reader: TableReader) -> RetryPolicy:
    """Read when an activity is tried again."""
    return RetryPolicy(
        max_retries=reader.integer("max_retries", default=DEFAULT_MAX_RETRIES),
        backoff=reader.duration("retry_exp_backoff", default=DEFAULT_BACKOFF),
    )


def read_outside(reader: TableReader) -> Outside:
    """Read the keys of a component that may touch the world."""
    return Outside(
        env_vars=read_env_vars(reader),
        allowed_hosts=read_host_rules(reader),
        stdout=reader.choice("forward_stdout", StreamTarget, default=StreamTarget.DB),
        stderr=read_stderr(reader),
    )


def read_stderr(reader: TableReader) -> StreamTarget:
    """Read where the standard error output goes."""
    return reader.choice("forward_stderr", StreamTarget, default=StreamTarget.DB)
