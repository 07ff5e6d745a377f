"""``[[activity_exec]]``: what the file says, what the operator allows, and that it runs once deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from components.manifest import FileReference, InlineSource, ProcessEntry, parse_manifest
from components.manifest.files import content_digest
from components.operator_file import read_operator_config
from components.problems import DeploymentRefused
from components.services import active_deployment, deploy
from engine.deployment.spec import ProcessPolicy, Runner, StreamTarget
from executions.hosting import ExecutorHost
from executions.shortcuts import result, submit
from tests.components_app.builders import from_file
from tests.harness.eventually import PATIENCE_S
from tests.harness.hosts import running_host

GREET = '#!/bin/sh\nprintf \'"hello, %s"\' "$1"\n'
PINNED = content_digest(GREET.encode())
TABLE = """
[[activity_exec]]
ffqn = "test:program/api.greet"
location = "greet.sh"
params = [{ name = "name", type = "u32" }]
return_type = "result<string, string>"
"""


def read(text: str) -> ProcessEntry:
    (entry,) = parse_manifest(text, file_name="d.toml").entries
    assert isinstance(entry, ProcessEntry)
    return entry


# --- The file ---------------------------------------------------------------------------------------------------------


def test_little_has_to_be_said() -> None:
    entry = read('[[activity_exec]]\nffqn = "a:b/c.d"\nlocation = "run.sh"\n')

    assert (entry.name, entry.source) == ("c.d", FileReference(path="run.sh", content_digest=None, key="location"))
    assert entry.process == ProcessPolicy(params_via_stdin=False, max_output_bytes=4096, secrets=())
    assert (entry.retry.max_retries, entry.exec.lock_expiry) == (5, timedelta(seconds=1))
    assert entry.stderr is StreamTarget.DB


def test_everything_can_be_said() -> None:
    entry = read(
        TABLE.replace("location", "content").replace('"greet.sh"', f"'''{GREET}'''")
        + 'name = "greeter"\nparams_via_stdin = true\nmax_output_bytes = 9\nsecrets = ["TOKEN"]\n'
        + 'forward_stderr = "none"\nmax_retries = 1\nexec.lock_expiry = { minutes = 1 }\nenv_vars = ["HOME"]\n'
    )

    assert entry.source == InlineSource(path="greeter", text=GREET)
    assert entry.process == ProcessPolicy(params_via_stdin=True, max_output_bytes=9, secrets=("TOKEN",))
    assert entry.stderr is StreamTarget.NONE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('content = "echo hello"', 'key "content" must begin with "#!" and the interpreter, such as'),
        ('content = "#!/bin/sh"\nlocation = "x"', 'key "location" stands beside "content"; an entry has one of them'),
        ('location = "x"\nforward_stdout = "db"', 'key "forward_stdout" is unknown'),
        ('location = "x"\nshell = true', 'key "shell" is unknown'),
        ('location = "../x"', "leaves the folder of the deployment file"),
    ],
)
def test_a_mistake_is_named(text: str, problem: str) -> None:
    with pytest.raises(DeploymentRefused) as caught:
        parse_manifest(f'[[activity_exec]]\nffqn = "a:b/c.d"\n{text}\n', file_name="d.toml")

    (found,) = caught.value.problems
    assert found.startswith('d.toml: [[activity_exec]] #1 "a:b/c.d": ')
    assert problem in found


# --- The operator -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("", {}),
        ("allow_exec_activities = false", {}),
        ("allow_exec_activities = true", None),
        (f'[allow_exec_activities]\n"api.greet" = "{PINNED}"', {"api.greet": PINNED}),
    ],
)
def test_programs_are_off_unless_the_operator_allows_them(
    tmp_path: Path, text: str, programs: dict[str, str] | None
) -> None:
    file = tmp_path / "server.toml"
    file.write_text(text)

    assert read_operator_config([], file).programs == programs
    assert read_operator_config([], file).resolve({}).programs == programs


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('allow_exec_activities = "yes"', 'key "allow_exec_activities" must be true, false, or a table of digests'),
        ('[allow_exec_activities]\ngreet = "abc"', 'key "allow_exec_activities.greet" is "abc"; expected sha256:'),
    ],
)
def test_an_operators_mistake_is_named(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "server.toml"
    file.write_text(text)

    with pytest.raises(DeploymentRefused, match=problem):
        read_operator_config([], file)


# --- Deploying and running --------------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path: Path, settings: Settings) -> Callable[..., Path]:
    """Writes a deployment of the program, and what the operator says."""

    def write(allowed: str, extra: str = "") -> Path:
        (tmp_path / "greet.sh").write_text(GREET)
        server = tmp_path / "server.toml"
        server.write_text(allowed)
        settings.OBELISK_SERVER_CONFIG = str(server)
        path = tmp_path / "deployment.toml"
        path.write_text(TABLE + extra)
        return path

    return write


@pytest.mark.django_db
def test_a_program_is_not_deployed_without_leave(write: Callable[..., Path]) -> None:
    with pytest.raises(DeploymentRefused) as caught:
        deploy(write(""))

    assert caught.value.problems == (
        'deployment.toml: [[activity_exec]] #1 "test:program/api.greet": it is a native program, which runs outside '
        f'the sandbox and needs the operator\'s leave; add allow_exec_activities."api.greet" = "{PINNED}" to the '
        "file that OBELISK_SERVER_CONFIG names",
    )


@pytest.mark.django_db
def test_a_program_that_was_changed_is_not_deployed(write: Callable[..., Path]) -> None:
    other = "sha256:" + "1" * 64

    with pytest.raises(DeploymentRefused, match=f"allows a program of the digest {other}, and this one has {PINNED}"):
        deploy(write(f'allow_exec_activities."api.greet" = "{other}"'))


@pytest.mark.django_db
def test_a_secret_that_is_not_declared_is_named(write: Callable[..., Path]) -> None:
    with pytest.raises(DeploymentRefused, match="the operator's file declares no secret TOKEN"):
        deploy(write("allow_exec_activities = true", 'secrets = ["TOKEN"]\n'))


@pytest.mark.django_db
def test_what_is_loaded_equals_what_was_prepared(write: Callable[..., Path]) -> None:
    deployed = deploy(write("allow_exec_activities = true", "params_via_stdin = true\n"))

    loaded = active_deployment()

    assert loaded is not None
    (component,) = from_file(loaded)
    assert component == deployed.prepared.components[0].spec
    assert (component.runner, component.artefact_digest, component.may_touch_world) == (Runner.PROCESS, PINNED, True)


@pytest.fixture
def host() -> Iterator[Callable[[], ExecutorHost]]:

    def start() -> ExecutorHost:
        return stack.enter_context(running_host())

    with ExitStack() as stack:
        yield start


@pytest.mark.django_db(transaction=True)
def test_a_deployed_program_runs(write: Callable[..., Path], host: Callable[[], ExecutorHost]) -> None:
    deploy(write(f'allow_exec_activities."api.greet" = "{PINNED}"', "exec.lock_expiry = { seconds = 30 }\n"))
    host()

    assert result(submit("test:program/api.greet", 7).id, timeout=timedelta(seconds=PATIENCE_S)) == "hello, 7"
