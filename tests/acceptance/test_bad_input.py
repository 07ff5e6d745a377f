"""What people get wrong: one sentence that names the place, a status that says so, and nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command, execute_from_command_line

from components.models import Deployment
from tests.builders import make_execution_id
from tests.components_app.builders import REPOSITORY, activity_table, make_wasm, workflow_table, write_deployment
from tests.executions.deployments import deploy_declared

pytestmark = pytest.mark.django_db(transaction=True)

FIBOA = "testing:fibo-workflow/workflow.fiboa"
MINE = make_execution_id(7)
ADDER = make_wasm(exports={"test:adder/api": ["add"]})
TWIN = make_wasm(exports={"test:adder/api": ["add"]}, salt=1)
CALLER = make_wasm(exports={"test:caller/api": ["call"]}, imports={"test:adder/api": ["add"]})
MODULE = b"\0asm\1\0\0\0"


def stored() -> dict[str, object]:
    """Return how many rows every table has, and what is active."""
    rows = {model.__name__: model._default_manager.count() for model in apps.get_models()}
    return {**rows, "active": Deployment.objects.active().get().deployment_id}


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must refuse and change nothing, and return its sentence."""
    before = stored()
    capsys.readouterr()

    with pytest.raises(SystemExit) as caught:
        execute_from_command_line(["manage.py", *arguments, "--no-color"])

    captured = capsys.readouterr()
    assert caught.value.code == 1
    assert captured.err.startswith("CommandError: ")
    assert captured.err.count("\n") == 1
    assert stored() == before
    return captured.err.removeprefix("CommandError: ").removesuffix("\n")


# --- Calls ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def examples() -> None:
    call_command("deploy", str(REPOSITORY / "examples" / "deployment.toml"), verbosity=0)


@pytest.mark.usefixtures("examples")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("testing:fibo-workflows/workflow.fiboa", "[10, 500]"),
            f"no function testing:fibo-workflows/workflow.fiboa is deployed; did you mean {FIBOA}?",
        ),
        (("fiboa", "[10, 500]"), "'fiboa' is not a function name: "),
        ((FIBOA, "[10]"), f"{FIBOA}: parameter cardinality mismatch, expected: 2, specified: 1"),
        ((FIBOA, "[10, 500, 1]"), f"{FIBOA}: parameter cardinality mismatch, expected: 2, specified: 3"),
        ((FIBOA, '[10, "500"]'), f"{FIBOA}: cannot parse 2-th parameter - params[1]: expected u32, got "),
        ((FIBOA, "[300, 500]"), f"{FIBOA}: cannot parse 1-th parameter - params[0]: expected u8, got 300"),
        ((FIBOA, "10, 500"), "the parameters are not JSON: "),
    ],
)
def test_a_wrong_call(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str) -> None:
    assert refusal(capsys, "submit", *arguments).startswith(sentence)


@pytest.mark.usefixtures("examples")
def test_an_id_used_twice_with_other_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("submit", FIBOA, "[10, 500]", "--execution-id", MINE)

    assert refusal(capsys, "submit", FIBOA, "[10, 501]", "--execution-id", MINE) == (
        f"execution {MINE} exists with another function or other parameters"
    )


# --- Deployments ------------------------------------------------------------------------------------------------------


def names(file: str, problem: str) -> str:
    """Return how a sentence about the file of the first component begins."""
    return f'deployment.toml: [[activity_wasm]] #1 "{file}": key "location" names "{file}.wasm": {problem}'


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        (workflow_table("caller"), "component caller, import test:adder/api.add: no component exports it"),
        (activity_table("adder") + activity_table("twin"), "component twin, export test:adder/api.add: "),
        (activity_table("text"), names("text", "this is not WebAssembly: ")),
        (activity_table("truncated"), names("truncated", "this component is invalid: ")),
        (activity_table("module"), names("module", "this is a core module, not a component; ")),
        (activity_table("empty"), names("empty", "this is not WebAssembly: ")),
        (
            activity_table("adder", "retries = 3"),
            'deployment.toml: [[activity_wasm]] #1 "adder": key "retries" is unknown',
        ),
        ("[[activities]]\n", 'deployment.toml: table "activities" is unknown'),
        (
            activity_table("adder").replace("adder.wasm", "../adder.wasm"),
            'deployment.toml: [[activity_wasm]] #1 "adder": key "location" ',
        ),
        (
            activity_table("adder").replace("adder.wasm", "nobody.wasm"),
            'deployment.toml: [[activity_wasm]] #1 "adder": key "location" ',
        ),
        ("[[activity_wasm]\n", "deployment.toml: "),
    ],
    ids=[
        "an import of what nobody exports",
        "two exports of one function",
        "no wasm",
        "half a component",
        "a module",
        "nothing",
        "an unknown key",
        "an unknown table",
        "a path out of the folder",
        "a file that is not there",
        "no toml",
    ],
)
def test_a_wrong_deployment(capsys: pytest.CaptureFixture[str], tmp_path: Path, toml: str, sentence: str) -> None:
    folder = tmp_path / "deployment"
    folder.mkdir()
    deploy_declared(tmp_path)
    (tmp_path / "adder.wasm").write_bytes(ADDER)
    files = {"adder": ADDER, "twin": TWIN, "caller": CALLER}
    no_components = {"text": b"not wasm", "truncated": ADDER[:-20], "module": MODULE, "empty": b""}
    path = write_deployment(folder, toml, **files, **no_components)

    assert refusal(capsys, "deploy", str(path)).startswith(sentence)


def test_a_deployment_file_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    deploy_declared(tmp_path)

    assert str(tmp_path / "nobody.toml") in refusal(capsys, "deploy", str(tmp_path / "nobody.toml"))
