"""Native programs through an executor."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.activity.secret_values import OperatorPolicy, SecretValue
from engine.deployment.registry import Registry
from engine.deployment.spec import (
    ComponentId,
    ComponentSpec,
    ComponentType,
    ExecPolicy,
    FunctionSpec,
    ProcessPolicy,
    RetryPolicy,
    Runner,
    SandboxPolicy,
)
from engine.executor.settings import ExecutorSettings
from engine.log.events import TemporarilyFailed, TemporarilyTimedOut
from engine.log.ids import ExecutionId
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, Param
from tests.harness.components import add_file, deploy
from tests.harness.live import LiveWorld

PYTHON = f"#!{sys.executable} -I\n"
SHELL = "#!/bin/sh\n"
RUN = "test:program/api.run"
SECRET = 'hunter2-"quoted"'


def program(
    text: str,
    *,
    params: Mapping[str, str] | None = None,
    result: str = "result<u32, string>",
    policy: ProcessPolicy | None = None,
    env_vars: Mapping[str, str] | None = None,
    max_retries: int = 0,
    lock_expiry: timedelta = timedelta(seconds=30),
) -> ComponentSpec:
    function = FunctionType(
        tuple(Param(name, parse_type(wit)) for name, wit in (params or {}).items()), parse_type(result)
    )
    digest = add_file(text.encode())
    return ComponentSpec(
        id=ComponentId(component_type=ComponentType.ACTIVITY, name="program", digest=digest),
        runner=Runner.PROCESS,
        functions=(FunctionSpec(name=FunctionName.parse(RUN), type=function),),
        artefact_digest=digest,
        retry=RetryPolicy(max_retries=max_retries, backoff=timedelta(milliseconds=1)),
        exec=ExecPolicy(lock_expiry=lock_expiry),
        sandbox=SandboxPolicy(env_vars=env_vars or {}),
        process=policy or ProcessPolicy(),
    )


class Machine:
    """An executor that may run programs."""

    def __init__(self, world: LiveWorld) -> None:
        self.world = world

    def start(self, component: ComponentSpec, *params: object, operator: OperatorPolicy | None = None) -> ExecutionId:
        policy = operator or OperatorPolicy(secrets={"TOKEN": SecretValue(SECRET)}, programs=None)
        self.world.registry = Registry(deploy(component).deployment)
        self.world.start_executor(settings=ExecutorSettings(operator=policy))
        return self.world.submit(RUN, params)

    def run(self, component: ComponentSpec, *params: object, operator: OperatorPolicy | None = None) -> Any:
        target = self.start(component, *params, operator=operator)
        self.world.run(target)
        return self.world.result_of(target)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with LiveWorld() as world:
        yield Machine(world)


ECHO = PYTHON + "import json, sys; print(json.dumps([json.loads(item) for item in sys.argv[1:]]))"
SUM = PYTHON + "import sys; print(sum(map(int, sys.argv[1:])))"
TWO_NUMBERS = {"a": "u8", "b": "u8"}


# --- Parameters -------------------------------------------------------------------------------------------------------


def test_parameters_are_arguments_and_stdout_is_the_result(machine: Machine) -> None:
    assert machine.run(program(SUM, params=TWO_NUMBERS), 3, 4) == {"ok": 7}


def test_each_argument_is_json(machine: Machine) -> None:
    types = {"names": "list<string>", "person": "record { name: string, age: u8 }", "maybe": "option<bool>"}
    component = program(
        ECHO, params=types, result="result<tuple<list<string>, record { name: string, age: u8 }, option<bool>>>"
    )

    values = [["a b", "$(id) 'q' \"dq\"", "\0"], {"name": "Ada", "age": 36}, None]
    assert machine.run(component, *values) == {"ok": values}


def test_parameters_may_come_on_stdin(machine: Machine) -> None:
    text = PYTHON + "import json, sys; assert len(sys.argv) == 1; print(sum(json.load(sys.stdin)['params']))"

    assert machine.run(program(text, params=TWO_NUMBERS, policy=ProcessPolicy(params_via_stdin=True)), 3, 4) == {
        "ok": 7
    }


def test_the_environment_and_the_folder_are_its_own(machine: Machine) -> None:
    text = SHELL + 'printf \'"%s %s"\' "$GREETING" "$(ls)"; touch left-behind'
    component = program(text, result="result<string>", env_vars={"GREETING": "hello", "PATH": os.environ["PATH"]})

    assert machine.run(component) == {"ok": "hello "}


# --- Results ----------------------------------------------------------------------------------------------------------


def test_an_exit_code_is_the_error_value_and_tried_again(machine: Machine, tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    text = SHELL + f'echo x >>"{tries}"; echo oops >&2; echo \'"bad luck"\'; exit 7'
    component = program(text, max_retries=2)
    target = machine.start(component)
    machine.world.run(target)

    assert machine.world.result_of(target) == {"err": "bad luck"}
    assert tries.read_text().count("x") == 3
    failed = [event for event in machine.world.events_of(target) if isinstance(event, TemporarilyFailed)]
    assert [failure.detail for failure in failed] == ["it exited with 7\noops"] * 2


def test_a_signal_is_an_error_too(machine: Machine) -> None:
    assert machine.run(program(SHELL + "kill -9 $$", result="result<u32>")) == {"err": None}


def test_a_unit_needs_no_output_and_minds_none(machine: Machine) -> None:
    assert machine.run(program(SHELL + "echo done, thank you", result="result")) == {"ok": None}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "exit 0",
            "the program exited with 0; its stdout is to be the ok payload, u32, but is empty",
        ),
        ("echo twelve", "the program exited with 0; its stdout is to be the ok payload, u32: "),
        (
            "echo -1",
            "the program exited with 0; its stdout is to be the ok payload, u32: stdout: expected u32, got -1",
        ),
        ("printf '\\377'", "u32, but byte 0 is not UTF-8 text"),
        ("echo 5; exit 2", "the program exited with 2; its stdout is to be the err payload, string: stdout: "),
        ("exec yes", "the program printed more than max_output_bytes = 4096 to its stdout"),
    ],
)
def test_what_is_no_result_is_a_failure_for_good(machine: Machine, text: str, sentence: str) -> None:
    failure = machine.run(program(SHELL + text, max_retries=5, env_vars={"PATH": os.environ["PATH"]}))[
        "execution_failed"
    ]

    assert failure["reason"] == f"{RUN} returned no usable result"
    assert sentence in failure["detail"]
    assert len(machine.world.events_of(ExecutionId("E_01J00000000000000000000001"))) == 3


# --- Time -------------------------------------------------------------------------------------------------------------


def test_a_program_that_outlives_its_time_is_killed_and_tried_again(machine: Machine) -> None:
    component = program(
        SHELL + "sleep 600",
        max_retries=1,
        lock_expiry=timedelta(milliseconds=200),
        env_vars={"PATH": os.environ["PATH"]},
    )
    target = machine.start(component)

    machine.world.run(target)

    assert machine.world.result_of(target)["execution_failed"]["kind"] == "timed_out"
    assert [type(event) for event in machine.world.events_of(target)].count(TemporarilyTimedOut) == 1


# --- The operator -----------------------------------------------------------------------------------------------------


def test_a_program_is_not_run_without_leave(machine: Machine) -> None:
    component = program(SHELL + "exit 0", result="result")

    failure = machine.run(component, operator=OperatorPolicy())["execution_failed"]

    assert "runs outside the sandbox and needs the operator's leave" in failure["detail"]


@pytest.mark.parametrize("is_pinned", [True, False])
def test_the_operator_may_pin_what_is_run(machine: Machine, is_pinned: bool) -> None:
    component = program(SHELL + "exit 0", result="result")
    digest = component.artefact_digest if is_pinned else "sha256:" + "0" * 64
    assert digest is not None

    result = machine.run(component, operator=OperatorPolicy(programs={"program": digest}))

    assert (result == {"ok": None}) is is_pinned
    if not is_pinned:
        assert f"the operator allows a program of the digest {digest}" in result["execution_failed"]["detail"]


def test_secrets_come_on_stdin_and_are_seen_nowhere(machine: Machine) -> None:
    text = PYTHON + (
        "import json, os, sys\n"
        "document = json.load(sys.stdin)\n"
        "assert 'TOKEN' not in os.environ\n"
        "print(document['secrets']['TOKEN'], file=sys.stderr)\n"
        "print(json.dumps(f\"{document['params'][0]} {document['secrets']['TOKEN']}\"))\n"
    )
    component = program(
        text,
        params={"name": "string"},
        result="result<string>",
        policy=ProcessPolicy(params_via_stdin=True, secrets=("TOKEN",)),
    )
    target = machine.start(component, "Ada")
    machine.world.run(target)
    machine.world.executors[0].executor._services.guest_log.flush()

    assert machine.world.result_of(target) == {"ok": "Ada <secret TOKEN>"}
    lines = [line.message for line in machine.world.memory.log_lines]
    assert lines == ["<secret TOKEN>"]
    everything = json.dumps([str(event) for event in machine.world.events_of(target)])
    assert "hunter2" not in everything


def test_a_secret_that_the_operator_does_not_have_is_named(machine: Machine) -> None:
    component = program(SHELL + "exit 0", result="result", policy=ProcessPolicy(secrets=("OTHER",)))

    assert "OTHER" in machine.run(component)["execution_failed"]["detail"]
