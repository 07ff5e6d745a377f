from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.config_codec import ComponentConfig, decode_config, encode_config
from components.manifest.entries import EnvVar, FunctionPolicy, HostRule
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
from engine.errors import DeploymentError
from tests.strategies import names, wit_types

DURATIONS = st.integers(0, 10**12).map(lambda number: timedelta(milliseconds=number))
COUNTS = st.integers(0, 2**32 - 1)
CONFIGS = st.builds(
    ComponentConfig,
    retry=st.builds(RetryPolicy, max_retries=st.none() | COUNTS, backoff=DURATIONS),
    exec=st.builds(
        ExecPolicy,
        batch_size=COUNTS,
        lock_expiry=DURATIONS,
        locking_strategy=st.sampled_from(LockingStrategy),
        instance_limit=st.none() | COUNTS,
    ),
    workflow=st.none()
    | st.builds(
        WorkflowPolicy,
        blocking_strategy=st.sampled_from(BlockingStrategy),
        non_blocking_event_batching=COUNTS,
        lock_extension=st.booleans(),
        lock_extension_leeway=DURATIONS,
        commit_window=st.none() | DURATIONS,
    ),
    env_vars=st.lists(st.builds(EnvVar, key=st.text(), value=st.none() | st.text())).map(tuple),
    allowed_hosts=st.lists(
        st.builds(
            HostRule,
            pattern=st.text(),
            methods=st.none() | st.lists(st.text()).map(tuple),
            request_url_regex=st.none() | st.text(),
            secrets=st.lists(st.text()).map(tuple),
            replace_in=st.lists(st.sampled_from(SecretLocation)).map(tuple),
        )
    ).map(tuple),
    process=st.none()
    | st.builds(
        ProcessPolicy,
        params_via_stdin=st.booleans(),
        max_output_bytes=COUNTS,
        secrets=st.lists(st.text()).map(tuple),
    ),
    limits=st.just(OPERATORS)
    | st.builds(
        ComponentLimits,
        memory_bytes=st.none() | COUNTS,
        fuel=st.none() | COUNTS,
        output_bytes=st.none() | COUNTS,
        log_lines=st.none() | COUNTS,
        params_bytes=st.none() | COUNTS,
        result_bytes=st.none() | COUNTS,
    ),
    functions=st.dictionaries(
        st.text(),
        st.builds(
            FunctionPolicy,
            max_retries=st.none() | COUNTS,
            backoff=st.none() | DURATIONS,
            lock_expiry=st.none() | DURATIONS,
            optional_params=COUNTS,
            title=st.none() | st.text(),
            group=st.none() | st.text(),
        ),
        max_size=2,
    ),
    stdout=st.sampled_from(StreamTarget),
    stderr=st.sampled_from(StreamTarget),
    stub_wasi=st.booleans(),
    backtrace_sources=st.dictionaries(st.text(), st.text()),
    log_level=st.none() | st.sampled_from(LogLevel),
    type_names=st.dictionaries(names(), wit_types(), max_size=2),
)

WORKFLOW = ComponentConfig(
    retry=RetryPolicy(max_retries=None, backoff=timedelta(milliseconds=100)),
    exec=ExecPolicy(lock_expiry=timedelta(seconds=3), locking_strategy=LockingStrategy.AUTO),
    workflow=WorkflowPolicy(commit_window=timedelta()),
    env_vars=(EnvVar(key="A", value=None),),
    allowed_hosts=(HostRule(pattern="*", methods=("GET",), request_url_regex=None),),
    stdout=StreamTarget.NONE,
    stderr=StreamTarget.DB,
    stub_wasi=True,
    backtrace_sources={"lib.rs": "sha256:0"},
    log_level=None,
)
STORED = {
    "version": 1,
    "retry": {"max_retries": None, "backoff_ms": 100},
    "exec": {"batch_size": 5, "lock_expiry_ms": 3000, "locking_strategy": "auto", "instance_limit": None},
    "workflow": {
        "blocking_strategy": "await",
        "non_blocking_event_batching": 100,
        "lock_extension": True,
        "lock_extension_leeway_ms": 100,
        "commit_window_ms": 0,
    },
    "env_vars": [{"key": "A", "value": None}],
    "allowed_hosts": [{"pattern": "*", "methods": ["GET"], "request_url_regex": None}],
    "stdout": "none",
    "stderr": "db",
    "stub_wasi": True,
    "backtrace_sources": {"lib.rs": "sha256:0"},
    "log_level": None,
}


def test_the_stored_form_of_a_rule_with_secrets_never_changes() -> None:
    rule = HostRule(
        pattern="*", methods=None, request_url_regex=None, secrets=("A",), replace_in=(SecretLocation.HEADERS,)
    )

    stored = encode_config(replace(WORKFLOW, allowed_hosts=(rule,)))

    assert stored["allowed_hosts"] == [
        {"pattern": "*", "methods": None, "request_url_regex": None, "secrets": ["A"], "replace_in": ["headers"]}
    ]


def test_the_stored_form_never_changes() -> None:
    assert encode_config(WORKFLOW) == STORED
    assert decode_config(STORED) == WORKFLOW


@given(CONFIGS)
def test_what_was_stored_is_read_back(config: ComponentConfig) -> None:
    assert decode_config(json.loads(json.dumps(encode_config(config)))) == config


@pytest.mark.parametrize(
    "stored",
    [None, [], {}, {"version": 2}, {"version": 1}, STORED | {"exec": None}, STORED | {"log_level": "loud"}],
)
def test_what_cannot_be_read_is_said(stored: Any) -> None:
    with pytest.raises(DeploymentError, match="a stored configuration"):
        decode_config(stored)
