from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line
from pytest_django import Settings

from components.models import Blob, Deployment
from tests.components_app.builders import (
    TEST_COMPONENTS,
    activity_table,
    make_wasm,
    workflow_table,
    write_deployment,
)

pytestmark = pytest.mark.django_db

ADDER = make_wasm(exports={"test:adder/api": ["add"]})
CALLER = make_wasm(exports={"test:caller/api": ["call"]}, imports={"test:adder/api": ["add"]})


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    return write_deployment(tmp_path, activity_table("adder") + workflow_table("caller"), adder=ADDER, caller=CALLER)


def run(*arguments: object) -> str:
    out = StringIO()
    call_command(*[str(argument) for argument in arguments], stdout=out, no_color=True)
    return out.getvalue()


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_deploy_tells_what_it_did(pair: Path) -> None:
    lines = run("deploy", pair, "--description", "first").splitlines()

    deployment = Deployment.objects.active().get()
    assert deployment.description == "first"
    assert lines[0].startswith("  activity adder (")
    assert lines[0].endswith(" ms)")
    assert lines[-1] == f"{deployment.deployment_id} is active: 2 components, 2 functions"


def test_deploy_says_when_there_is_nothing_to_do(pair: Path) -> None:
    run("deploy", pair)

    assert "This deployment is active already; nothing was changed." in run("deploy", pair)


def test_deploy_as_json_is_one_document(pair: Path) -> None:
    document = run_json("deploy", pair)

    assert document["deployment_id"] == Deployment.objects.get().deployment_id
    assert document["is_new"] is True
    assert [(each["name"], each["functions"]) for each in document["components"]] == [
        ("adder", ["test:adder/api.add"]),
        ("caller", ["test:caller/api.call"]),
    ]


@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_verify_only_changes_nothing(pair: Path, extra: tuple[str, ...]) -> None:
    run("deploy", pair, "--verify-only", *extra)

    assert not Deployment.objects.exists()
    assert not Blob.objects.exists()


def test_deploy_prints_warnings_beside_its_output(tmp_path: Path) -> None:
    path = write_deployment(
        tmp_path, activity_table("adder", '[[activity_wasm.allowed_host]]\npattern = "a"'), adder=ADDER
    )
    err = StringIO()

    call_command("deploy", str(path), stdout=StringIO(), stderr=err, no_color=True)

    assert err.getvalue().startswith(
        'warning: deployment.toml: [[activity_wasm]] #1 "adder": key "allowed_host[1].methods"'
    )


def test_deploy_warns_of_hosts_that_the_operator_lets_nobody_reach(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = "".join(
        f'[[activity_wasm.allowed_host]]\npattern = "{pattern}"\nmethods = "*"\n' for pattern in ("a.test", "b.test")
    )
    path = write_deployment(tmp_path, activity_table("adder", rules), adder=ADDER)
    sentence = (
        "component adder: the operator allows no request to {}; name it in OBELISK_OUTBOUND_HOSTS, or below "
        "[[outbound_http.allowed_host]] in the file of OBELISK_SERVER_CONFIG"
    )

    settings.OBELISK_OUTBOUND_HOSTS = ["http://c.test"]
    assert run_json("deploy", path, "--verify-only")["warnings"] == [sentence.format("a.test or b.test")]

    settings.OBELISK_OUTBOUND_HOSTS = ["b.test"]
    run("deploy", path)
    assert capsys.readouterr().err == f"warning: {sentence.format('a.test')}\n"

    settings.OBELISK_OUTBOUND_HOSTS = ["*.test"]
    run("deploy", path)
    assert capsys.readouterr().err == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        (workflow_table("caller"), "component caller, import test:adder/api.add: no component exports it"),
        (
            activity_table("adder", "max_retry = 1"),
            'deployment.toml: [[activity_wasm]] #1 "adder": key "max_retry" is unknown; did you mean "max_retries"?',
        ),
    ],
    ids=["import", "key"],
)
def test_a_bad_deployment_exits_with_its_sentence_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], toml: str, sentence: str
) -> None:
    path = write_deployment(tmp_path, toml, adder=ADDER, caller=CALLER)

    with pytest.raises(SystemExit) as caught:
        execute_from_command_line(["manage.py", "deploy", str(path), "--no-color"])

    assert caught.value.code == 1
    assert capsys.readouterr().err == f"CommandError: {sentence}\n"
    assert not Deployment.objects.exists()


def test_what_a_machine_lacks_may_be_passed_over_where_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOBODY_SETS_THIS", raising=False)
    path = write_deployment(tmp_path, activity_table("adder", 'env_vars = ["NOBODY_SETS_THIS"]'), adder=ADDER)

    with pytest.raises(CommandError, match="NOBODY_SETS_THIS"):
        run("deploy", path, "--verify-only")
    assert "Verified, nothing was changed" in run("deploy", path, "--verify-only", "--allow-unavailable")
    with pytest.raises(CommandError, match="--allow-unavailable goes with --verify-only"):
        run("deploy", path, "--allow-unavailable")
    assert not Deployment.objects.exists()


def test_functions_are_listed_by_kind(pair: Path) -> None:
    run("deploy", pair)

    lines = run("function", "list").splitlines()

    assert lines[: lines.index("Activities of django.shop")] == [
        "Workflows of caller",
        "  test:caller/api.call: func() -> result",
        "Activities of adder",
        "  test:adder/api.add: func() -> result",
    ]


def test_long_signatures_are_shortened_for_people() -> None:
    run("deploy", TEST_COMPONENTS)

    lines = run("function", "list").splitlines()

    assert "  test:stepper/workflow.run: func(steps: list<variant {...}>) -> result<list<string>, string>" in lines


def test_functions_as_json_have_everything() -> None:
    run("deploy", TEST_COMPONENTS)

    listed = {function["ffqn"]: function for function in run_json("function", "list")}

    assert listed["test:probe/activity.add"] == {
        "ffqn": "test:probe/activity.add",
        "kind": "activity",
        "component": "probe",
        "parameter_types": [{"name": "a", "wit_type": "u32"}, {"name": "b", "wit_type": "u32"}],
        "return_type": "result<u32>",
        "submittable": True,
    }
    assert listed["test:stubs/human.approve"]["submittable"] is False


def test_companions_are_listed_on_request(pair: Path) -> None:
    run("deploy", pair)

    listed = {function["ffqn"]: function for function in run_json("function", "list", "--extensions")}

    assert {ffqn: function.get("extension") for ffqn, function in listed.items() if "adder" in ffqn} == {
        "test:adder/api.add": None,
        "test:adder-obelisk-ext/api.add-submit": "submit",
        "test:adder-obelisk-ext/api.add-await-next": "await_next",
        "test:adder-obelisk-ext/api.add-get": "get",
        "test:adder-obelisk-schedule/api.add-schedule": "schedule",
    }
    assert listed["test:adder-obelisk-schedule/api.add-schedule"]["submittable"] is True
    assert listed["test:adder-obelisk-ext/api.add-submit"]["submittable"] is False
    assert "  test:adder-obelisk-ext/api.add-submit: func(join-set: borrow<join-set>) -> record { id: string }" in run(
        "function", "list", "--extensions"
    )


@pytest.mark.parametrize("command", ["function", "component"])
def test_lists_of_nothing_say_so(command: str) -> None:
    assert run(command, "list") == "Nothing is deployed; `manage.py deploy FILE.toml` changes that.\n"
    assert run_json(command, "list") == []


def test_components_are_listed(pair: Path) -> None:
    run("deploy", pair)

    [adder, caller, *_of_apps] = run_json("component", "list")
    lines = run("component", "list").splitlines()

    assert adder["component_id"]["name"] == "adder"
    assert caller["component_id"]["component_type"] == "workflow"
    assert lines[0].split() == ["activity", "adder", "1", "function", adder["component_id"]["component_digest"]]


def test_the_wit_of_a_component_is_printed(pair: Path) -> None:
    run("deploy", pair)

    text = run("component", "wit", "caller")

    assert "import test:adder/api;" in text
    assert "export test:caller/api;" in text
    assert "call: func() -> result;" in text
    assert "export django:shop/activities;" in run("component", "wit", "django.shop")


def test_the_wit_of_an_unknown_component_is_refused(pair: Path) -> None:
    run("deploy", pair)

    with pytest.raises(CommandError, match="no component nobody is deployed; there are adder, caller"):
        run("component", "wit", "nobody")


def test_what_is_generated_for_a_folder_of_wit_is_printed(tmp_path: Path) -> None:
    (tmp_path / "world.wit").write_text(
        "package my:pay;\ninterface api { record sum { cents: u64 } pay: func(sum: sum) -> result<sum>; }\n"
        "world pay { export api; }\n"
    )

    text = run("component", "companions", "activity", tmp_path)

    assert "package my:pay-obelisk-ext {" in text
    assert "pay-submit: func(join-set: borrow<join-set>, sum: sum) -> execution-id;" in text
    assert "pay-schedule: func(schedule-at: schedule-at, sum: sum) -> execution-id;" in text
    assert "pay-stub: func(" in run("component", "companions", "activity_stub", tmp_path)


@pytest.mark.parametrize(
    ("wit", "sentence"),
    [
        (None, "nowhere does not exist"),
        ("package a:b;\ninterface c { f: func(); }\nworld w { export c; }", "a:b/c.f returns nothing"),
        ("package a:b;\ninterface c { f: func() -> ", r"nowhere/world.wit:\d+:\d+: "),
        ("package a:b;", "the package must have one world; it has none"),
    ],
)
def test_a_folder_for_which_nothing_is_generated_is_refused(tmp_path: Path, wit: str | None, sentence: str) -> None:
    folder = tmp_path / "nowhere"
    if wit is not None:
        folder.mkdir()
        (folder / "world.wit").write_text(wit)

    with pytest.raises(CommandError, match=sentence):
        run("component", "companions", "activity", folder)


@pytest.mark.parametrize("arguments", [("deploy",), ("function", "list"), ("component", "wit")])
def test_every_command_explains_itself(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command(*arguments, "--help")

    assert caught.value.code == 0
    assert "active deployment" in " ".join(capsys.readouterr().out.split())
