from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db.models.signals import pre_save
from django.utils import timezone

from components.manifest.files import content_digest
from components.models import Blob, Component, Deployment, DeploymentStatus, Function
from components.preparation import Origin, prepare
from components.problems import DeploymentRefused
from components.services import activate, active_deployment, deploy, load_deployment, wasm_bytes
from engine.deployment.spec import ComponentType, Runner
from engine.errors import DeploymentError
from engine.log.ids import make_deployment_id
from tests.components_app.builders import (
    EXAMPLES,
    TEST_COMPONENTS,
    activity_table,
    from_file,
    make_wasm,
    workflow_table,
    write_deployment,
)

pytestmark = pytest.mark.django_db

ADDER = make_wasm(exports={"test:adder/api": ["add"]})
CALLER = make_wasm(exports={"test:caller/api": ["call"]}, imports={"test:adder/api": ["add"]})


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A deployment of an activity and a workflow that calls it."""
    return write_deployment(tmp_path, activity_table("adder") + workflow_table("caller"), adder=ADDER, caller=CALLER)


def stored() -> dict[str, list[Any]]:
    """Everything in the tables of this app."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values())
        for model in (Blob, Component, Deployment, Function)
    }


def test_deploying_activates_what_the_file_says(pair: Path) -> None:
    result = deploy(pair, description="the first")

    deployment = Deployment.objects.get()
    assert result.is_new
    assert deployment == result.deployment
    assert deployment.deployment_id.startswith("Dep_")
    assert deployment.status == DeploymentStatus.ACTIVE
    assert deployment.toml == pair.read_text()
    assert deployment.digest == content_digest(pair.read_bytes())
    assert deployment.description == "the first"
    assert deployment.last_active_at == deployment.created_at
    assert list(deployment.components.order_by("position").values_list("name", "component_type", "wasm_id")) == [
        ("adder", "activity", content_digest(ADDER)),
        ("caller", "workflow", content_digest(CALLER)),
    ]
    assert list(Function.objects.deployed().values_list("ffqn", "kind", "submittable", "return_type")) == [
        ("test:adder/api.add", "activity", True, "result"),
        ("test:caller/api.call", "workflow", True, "result"),
    ]


def test_what_is_loaded_equals_what_was_prepared() -> None:
    result = deploy(TEST_COMPONENTS)

    loaded = load_deployment(result.deployment)

    assert loaded.id == result.deployment.deployment_id
    assert from_file(loaded) == tuple(component.spec for component in result.prepared.components)
    assert active_deployment() == loaded


def test_the_kinds_of_the_test_components_are_told_apart() -> None:
    deploy(TEST_COMPONENTS)

    loaded = active_deployment()

    assert loaded is not None
    assert {
        spec.id.name: (spec.id.component_type, spec.runner, spec.may_touch_world) for spec in from_file(loaded)
    } == {
        "probe": (ComponentType.ACTIVITY, Runner.WASM, False),
        "stepper": (ComponentType.WORKFLOW, Runner.WASM, False),
        "stub_flow": (ComponentType.WORKFLOW, Runner.WASM, False),
        "approve": (ComponentType.ACTIVITY_STUB, Runner.NONE, True),
    }
    approve = Function.objects.get(ffqn="test:stubs/human.approve")
    assert (approve.kind, approve.submittable) == ("activity_stub", False)


def test_the_examples_deploy() -> None:
    deploy(EXAMPLES)

    assert Function.objects.deployed().filter(ffqn="testing:fibo-workflow/workflow.fiboa").exists()


def test_there_is_no_active_deployment_before_the_first() -> None:
    assert active_deployment() is None


def test_deploying_the_same_again_changes_nothing(pair: Path) -> None:
    first = deploy(pair)
    before = stored()

    second = deploy(pair, description="again")

    assert not second.is_new
    assert second.deployment == first.deployment
    assert stored() == before


def test_the_same_text_with_another_file_is_another_deployment(pair: Path) -> None:
    first = deploy(pair)
    (pair.parent / "adder.wasm").write_bytes(make_wasm(exports={"test:adder/api": ["add"]}, salt=1))

    second = deploy(pair)

    assert second.is_new
    first.deployment.refresh_from_db()
    assert first.deployment.status == DeploymentStatus.INACTIVE
    assert first.deployment.last_active_at is not None
    assert Deployment.objects.active().get() == second.deployment
    assert Blob.objects.count() == 3  # the workflow's is shared


def test_another_configuration_is_another_deployment(pair: Path) -> None:
    first = deploy(pair)
    pair.write_text(pair.read_text() + "commit_window = { milliseconds = 0 }\n")

    second = deploy(pair)

    assert second.deployment.deployment_id != first.deployment.deployment_id
    assert Blob.objects.count() == 2


def test_a_deployment_that_was_active_before_becomes_active_as_a_new_one(pair: Path) -> None:
    first = deploy(pair)
    text = pair.read_text()
    pair.write_text(text + "stub_wasi = true\n")
    deploy(pair)
    pair.write_text(text)

    third = deploy(pair)

    assert third.is_new
    assert third.deployment.deployment_id != first.deployment.deployment_id
    assert Deployment.objects.active().get() == third.deployment


def test_the_second_preparation_takes_code_from_the_cache(pair: Path) -> None:
    prepare(pair)

    assert [component.origin for component in prepare(pair).components] == [Origin.CACHED, Origin.CACHED]


def test_stored_files_can_be_read_back(pair: Path) -> None:
    deploy(pair)

    assert wasm_bytes(content_digest(ADDER)) == ADDER


def test_a_file_that_is_not_stored_is_an_error() -> None:
    with pytest.raises(DeploymentError, match="no file with the digest sha256:0 is stored"):
        wasm_bytes("sha256:0")


def test_backtrace_sources_are_stored_by_digest(tmp_path: Path) -> None:
    (tmp_path / "lib.rs").write_text("fn call() {}")
    toml = activity_table("adder") + workflow_table("caller", 'backtrace.sources.".../lib.rs" = "lib.rs"')
    deploy(write_deployment(tmp_path, toml, adder=ADDER, caller=CALLER))

    digest = content_digest(b"fn call() {}")
    assert Component.objects.get(name="caller").config["backtrace_sources"] == {".../lib.rs": digest}
    assert wasm_bytes(digest) == b"fn call() {}"


def test_variables_are_stored_unresolved_and_resolved_where_they_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "secret at deployment")
    toml = activity_table("adder", 'env_vars = ["TOKEN", { key = "URL", value = "https://${HOST:-example.com}" }]')
    result = deploy(write_deployment(tmp_path, toml, adder=ADDER))

    [component] = from_file(load_deployment(result.deployment, environ={"TOKEN": "t", "HOST": "h"}))

    assert component.sandbox.env_vars == {"TOKEN": "t", "URL": "https://h"}
    assert "secret" not in str(stored())
    with pytest.raises(DeploymentRefused, match=r'component adder, env_vars "TOKEN": environment variable TOKEN is'):
        load_deployment(result.deployment, environ={})


def test_a_digest_override_names_the_component(tmp_path: Path) -> None:
    digest = "sha256:" + "d" * 64
    path = write_deployment(tmp_path, activity_table("adder", f'component_digest = "{digest}"'), adder=ADDER)

    result = deploy(path)

    row = Component.objects.get()
    assert (row.digest, row.wasm_id) == (digest, content_digest(ADDER))
    assert len(result.prepared.warnings) == 1


def test_a_stub_may_take_its_schema_from_a_component(tmp_path: Path) -> None:
    path = write_deployment(tmp_path, '[[activity_stub]]\nname = "human"\nlocation = "human.wasm"', human=CALLER)

    deploy(path)

    row = Component.objects.get()
    assert (row.component_type, row.runner, row.imports["interfaces"]) == ("activity_stub", "none", [])
    assert list(row.functions.values_list("ffqn", "kind")) == [("test:caller/api.call", "activity_stub")]


def test_entry_points_of_wasi_are_offered_to_nobody(tmp_path: Path) -> None:
    wasm = make_wasm(exports={"wasi:cli/run@0.2.0": ["run"], "test:tool/api": ["go"]})

    deploy(write_deployment(tmp_path, activity_table("tool"), tool=wasm))

    assert list(Function.objects.values_list("ffqn", flat=True)) == ["test:tool/api.go"]
    assert [interface["name"] for interface in Component.objects.get().exports["interfaces"]] == [
        "wasi:cli/run@0.2.0",
        "test:tool/api",
    ]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [("", False), ('[[activity_wasm.allowed_host]]\npattern = "*"\nmethods = "*"', True)],
)
def test_only_an_activity_that_may_reach_a_host_touches_the_world(tmp_path: Path, hosts: str, expected: bool) -> None:
    wasm = make_wasm(exports={"test:web/api": ["get"]}, imports={"wasi:http/types@0.2.3": ["x"]})

    result = deploy(write_deployment(tmp_path, activity_table("web", hosts), web=wasm))

    assert load_deployment(result.deployment).components[0].may_touch_world is expected


BAD_DEPLOYMENTS: dict[str, tuple[str, dict[str, bytes], str]] = {
    "an import that nobody exports": (
        workflow_table("caller"),
        {"caller": CALLER},
        "component caller, import test:adder/api.add: no component exports it",
    ),
    "two components that export the same function": (
        activity_table("adder") + activity_table("other"),
        {"adder": ADDER, "other": make_wasm(exports={"test:adder/api": ["add"]}, salt=1)},
        "component other, export test:adder/api.add: component adder exports the same function",
    ),
    "a file that is not WebAssembly": (
        activity_table("adder"),
        {"adder": b"#!/bin/sh\n"},
        'deployment.toml: [[activity_wasm]] #1 "adder": key "location" names "adder.wasm": this is not WebAssembly: '
        "the file does not begin with its magic number",
    ),
    "a core module": (
        activity_table("adder"),
        {"adder": b"\0asm\x01\0\0\0"},
        'deployment.toml: [[activity_wasm]] #1 "adder": key "location" names "adder.wasm": this is a core module, not '
        "a component; wrap it with `wasm-tools component new`",
    ),
    "an unknown key": (
        activity_table("adder", "max_retry = 1"),
        {"adder": ADDER},
        'deployment.toml: [[activity_wasm]] #1 "adder": key "max_retry" is unknown; did you mean "max_retries"?',
    ),
    "a path outside the folder": (
        '[[activity_wasm]]\nname = "adder"\nlocation = "../adder.wasm"',
        {},
        'deployment.toml: [[activity_wasm]] #1 "adder": key "location" is "../adder.wasm", which leaves the folder of '
        "the deployment file",
    ),
    "a file that is not there": (
        activity_table("adder"),
        {},
        'deployment.toml: [[activity_wasm]] #1 "adder": key "location" names "adder.wasm", which does not exist',
    ),
    "a source file that is not there": (
        workflow_table("caller", 'backtrace.sources."a.rs" = "a.rs"'),
        {"caller": CALLER},
        'deployment.toml: [[workflow_wasm]] #1 "caller": key "backtrace.sources.a.rs" names "a.rs", which does not '
        "exist",
    ),
    "another digest than pinned": (
        activity_table("adder", f'content_digest = "sha256:{"0" * 64}"'),
        {"adder": ADDER},
        f'deployment.toml: [[activity_wasm]] #1 "adder": key "location" names "adder.wasm", whose digest is '
        f"{content_digest(ADDER)}, not sha256:{'0' * 64}",
    ),
    "a variable that is not set": (
        activity_table("adder", 'env_vars = ["A_VARIABLE_THAT_NOBODY_SETS"]'),
        {"adder": ADDER},
        'component adder, env_vars "A_VARIABLE_THAT_NOBODY_SETS": environment variable A_VARIABLE_THAT_NOBODY_SETS '
        "is not set",
    ),
    "a pattern that is none": (
        activity_table(
            "adder", '[[activity_wasm.allowed_host]]\npattern = "a"\nmethods = "*"\nrequest_url_regex = "("'
        ),
        {"adder": ADDER},
        'component adder, allowed_host "a": request_url_regex is not a regular expression: missing ), unterminated '
        "subpattern at position 0",
    ),
    "no function": (
        activity_table("adder"),
        {"adder": make_wasm()},
        "component adder: it exports no function in a named interface",
    ),
    "a reserved namespace": (
        activity_table("adder"),
        {"adder": make_wasm(exports={"obelisk:mine/api": ["add"]})},
        "component adder, export obelisk:mine/api: the namespace obelisk is the host's own",
    ),
    "an import from no interface": (
        workflow_table("caller"),
        {"caller": make_wasm(exports={"test:caller/api": ["call"]}, imports={"helpers": ["help"]})},
        'deployment.toml: [[workflow_wasm]] #1 "caller": it imports helpers outside of a named interface; nobody can '
        "provide it",
    ),
}


@pytest.mark.parametrize("case", BAD_DEPLOYMENTS)
def test_a_bad_deployment_is_one_clear_sentence_and_changes_nothing(case: str, pair: Path, tmp_path: Path) -> None:
    deploy(pair)
    before = stored()
    toml, files, sentence = BAD_DEPLOYMENTS[case]
    folder = tmp_path / "bad"
    folder.mkdir()

    with pytest.raises(DeploymentRefused) as caught:
        deploy(write_deployment(folder, toml, **files))

    assert caught.value.problems == (sentence,)
    assert stored() == before


def test_truncated_components_are_refused(tmp_path: Path) -> None:
    for length in range(8, len(ADDER), 7):
        path = write_deployment(tmp_path, activity_table("adder"), adder=ADDER[:length])

        with pytest.raises(DeploymentRefused) as caught:
            deploy(path)

        assert len(caught.value.problems) == 1


def test_the_problems_of_all_components_are_reported_together(tmp_path: Path) -> None:
    toml = (
        activity_table("one")
        + activity_table("two", 'env_vars = ["A_VARIABLE_THAT_NOBODY_SETS"]')
        + activity_table("three")
    )
    path = write_deployment(tmp_path, toml, one=b"", two=ADDER)

    with pytest.raises(DeploymentRefused) as caught:
        deploy(path)

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "does not exist"), (b"\xff\xfe", "byte 0 is not UTF-8 text"), (b"= 1", "this is not TOML")],
)
def test_a_deployment_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, expected: str) -> None:
    path = tmp_path / "deployment.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(DeploymentRefused) as caught:
        deploy(path)

    assert "deployment.toml" in str(caught.value)
    assert expected in str(caught.value)


def test_of_two_deployments_at_the_same_moment_one_is_refused(pair: Path) -> None:
    prepared = prepare(pair)

    def activate_another(**_kwargs: Any) -> None:
        now = timezone.now()
        Deployment.objects.bulk_create(
            [
                Deployment(
                    deployment_id=make_deployment_id(now, bytes(10)),
                    status=DeploymentStatus.ACTIVE,
                    toml="",
                    digest="sha256:0",
                    last_active_at=now,
                )
            ]
        )

    pre_save.connect(activate_another, sender=Deployment)
    try:
        with pytest.raises(DeploymentRefused, match="another deployment was activated at the same moment"):
            activate(prepared)
    finally:
        pre_save.disconnect(activate_another, sender=Deployment)

    assert not any(stored().values())
