from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from components.manifest import parse_manifest
from components.preparation import prepare
from components.problems import DeploymentRefused
from components.services import active_deployment, deploy
from engine.deployment.limits import MIB, OPERATORS, ComponentLimits
from tests.components_app.builders import activity_table, from_file, make_wasm, write_deployment

ALL = (
    "limits = { memory_mib = 64, fuel = 5, output_bytes = 0, log_lines = 7, params_bytes = 1000, result_bytes = 2000 }"
)
WASM = make_wasm(exports={"test:limits/api": ["run"]})


@pytest.mark.parametrize(
    "table",
    [
        '[[activity_wasm]]\nname = "a"\nlocation = "a.wasm"\n',
        '[[workflow_wasm]]\nname = "a"\nlocation = "a.wasm"\n',
        '[[activity_js]]\nffqn = "a:b/c.d"\nlocation = "a.js"\n',
        '[[workflow_js]]\nffqn = "a:b/c.d"\nlocation = "a.js"\n',
        '[[python]]\nlocation = "a.py"\n',
        '[[activity_py]]\nffqn = "a:b/c.d"\nlocation = "a.py"\n',
        '[[activity_exec]]\nffqn = "a:b/c.d"\nlocation = "a.sh"\n',
    ],
)
def test_whatever_runs_has_limits(table: str) -> None:
    (entry,) = parse_manifest(table + ALL, file_name="d.toml").entries
    (plain,) = parse_manifest(table, file_name="d.toml").entries

    assert entry.limits == ComponentLimits(  # type: ignore[union-attr]  # these kinds have limits
        memory_bytes=64 * MIB, fuel=5, output_bytes=0, log_lines=7, params_bytes=1000, result_bytes=2000
    )
    assert plain.limits is OPERATORS  # type: ignore[union-attr]  # as above


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("limits = 5", 'key "limits" must be a table'),
        ("limits.memory_mib = 0", 'key "limits.memory_mib"'),
        ("limits.memory = 5", 'key "limits.memory" is unknown'),
    ],
)
def test_a_mistake_is_named(text: str, problem: str) -> None:
    with pytest.raises(DeploymentRefused, match=problem):
        parse_manifest(activity_table("a", text), file_name="d.toml")


def test_more_than_the_site_gives_is_refused_at_deploy(tmp_path: Path, settings: Settings) -> None:
    settings.OBELISK_MEMORY_MIB = 32

    with pytest.raises(DeploymentRefused) as caught:
        prepare(write_deployment(tmp_path, activity_table("run", "limits.memory_mib = 64"), run=WASM))

    assert caught.value.problems == (
        "component run: limits.memory_mib is 64, and the most that this site gives is 32 (OBELISK_MEMORY_MIB)",
    )


@pytest.mark.django_db
def test_what_is_stored_is_what_the_engine_uses(tmp_path: Path) -> None:
    deploy(write_deployment(tmp_path, activity_table("run", "limits.log_lines = 3"), run=WASM))

    deployment = active_deployment()

    assert deployment is not None
    assert from_file(deployment)[0].limits == ComponentLimits(log_lines=3)
