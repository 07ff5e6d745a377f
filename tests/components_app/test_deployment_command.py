from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from components.manifest.files import content_digest
from components.models import Deployment, DeploymentSwitch
from components.submission import submit_deployment
from components.submitted_files import SubmittedFile
from components.switching import switch_now
from executions.operations.recording import command_actor
from tests.components_app.builders import activity_table, make_wasm

pytestmark = pytest.mark.django_db

ADDER = make_wasm(exports={"test:adder/api": ["add"]})


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("deployment", *arguments, stdout=out, no_color=True)
    return out.getvalue()


@pytest.fixture
def two() -> tuple[str, str]:
    """Two deployments of which the first is active."""
    files = {"adder.wasm": SubmittedFile(content=ADDER)}
    first = submit_deployment(activity_table("adder"), files, description="one").deployment.deployment_id
    second = submit_deployment(activity_table("adder", "max_retries = 1"), files).deployment.deployment_id
    switch_now(first)
    return first, second


def test_list_shows_the_newest_first(two: tuple[str, str]) -> None:
    first, second = two

    lines = run("list").splitlines()

    assert [line.split()[:2] for line in lines] == [[second, "inactive"], [first, "active"]]
    assert lines[1].endswith("one")
    assert [each["deployment_id"] for each in json.loads(run("list", "--json", "--length", "1"))] == [second]


def test_show_prints_the_file_and_what_it_names(two: tuple[str, str]) -> None:
    text = run("show", two[0])

    assert f"# adder.wasm  {len(ADDER)} bytes  {content_digest(ADDER)}" in text
    assert text.endswith(activity_table("adder").rstrip("\n") + "\n")
    assert json.loads(run("show", two[0], "--json"))["files"] == [
        {"path": "adder.wasm", "digest": content_digest(ADDER), "size": len(ADDER)}
    ]


def test_switch_and_back(two: tuple[str, str]) -> None:
    first, second = two

    assert run("switch", second) == f"{second} is active.\n"
    assert run("switch", second) == f"{second} is active already; nothing was changed.\n"
    assert run("switch", "--back") == f"{first} is active.\n"
    assert DeploymentSwitch.objects.newest_of(second, limit=1)[0].actor == command_actor()
    with pytest.raises(CommandError, match="name a deployment, or say --back"):
        run("switch")


def test_diff_verify_and_enqueue(two: tuple[str, str]) -> None:
    assert "    retry.max_retries: 5 -> 1" in run("diff", *two).splitlines()
    assert json.loads(run("diff", *two, "--json"))["components_changed"][0]["name"] == "adder"
    assert run("verify", two[1]) == "It can be run here and now.\n"

    run("enqueue", two[1])

    assert Deployment.objects.enqueued().get().deployment_id == two[1]


def test_an_unknown_deployment_is_one_sentence() -> None:
    with pytest.raises(CommandError, match=r"^there is no deployment Dep_1; `manage.py deployment list` shows all$"):
        run("show", "Dep_1")
