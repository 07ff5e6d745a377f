"""Entries that the clock starts, from the deployment file to what the engine gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.comparing import compare
from components.diff_report import diff_lines
from components.models import Component
from components.problems import DeploymentRefused
from components.services import active_deployment, deploy
from components.verification import verify_deployment
from engine.cron.ticks import Overlap
from engine.deployment.spec import ComponentType
from tests.components_app.builders import activity_table, make_wasm, write_deployment

pytestmark = pytest.mark.django_db

ADDER = make_wasm(exports={"test:adder/api": ["add"]})


def entry(extra: str = "", *, target: str = "test:adder/api.add", schedule: str = "@daily") -> str:
    return f'[[cron]]\nname = "nightly"\nffqn = "{target}"\nschedule = "{schedule}"\n{extra}\n'


def deployed(folder: Path, toml: str) -> str:
    path = write_deployment(folder, activity_table("adder") + toml, adder=ADDER)
    return deploy(path).deployment.deployment_id


def test_an_entry_is_stored_and_loaded(tmp_path: Path) -> None:
    deployed(tmp_path, entry('timezone = "Europe/Berlin"\noverlap = "skip"'))

    deployment = active_deployment()
    assert deployment is not None
    [cron] = deployment.crons
    assert (cron.id.component_type, cron.id.name) == (ComponentType.CRON, "nightly")
    assert (cron.ffqn, cron.params) == ("obelisk-cron-test:adder/api.add", "[]")
    assert (cron.schedule.timezone, cron.overlap) == ("Europe/Berlin", Overlap.SKIP)
    row = Component.objects.get(name="nightly")
    assert (row.component_type, row.digest, row.functions.count()) == ("cron", cron.id.digest, 0)


def test_the_same_again_is_the_same_deployment_and_policies_keep_the_identity(tmp_path: Path) -> None:
    first = deployed(tmp_path, entry())
    assert deployed(tmp_path, entry()) == first

    second = deployed(tmp_path, entry('overlap = "skip"'))
    third = deployed(tmp_path, entry(schedule="@hourly"))

    rows = Component.objects.filter(name="nightly")
    digests = {row.deployment_id: row.digest for row in rows}
    assert second != first
    assert digests[first] == digests[second] != digests[third]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (entry(target="test:gone/api.f"), "component nightly: no component exports test:gone/api.f"),
        (entry('params = "[1]"'), "component nightly: params: "),
        (entry('params = "{}"'), "component nightly: params: "),
        (entry('params = "no JSON"'), "component nightly: params: "),
        (
            '[[activity_stub]]\nffqn = "test:stubs/api.ask"\n' + entry('params = "[[]]"', target="test:stubs/api.ask"),
            "component nightly: test:stubs/api.ask is a stub: only a workflow that waits for it can start it",
        ),
    ],
)
def test_what_cannot_be_started_cannot_be_deployed(tmp_path: Path, toml: str, message: str) -> None:
    with pytest.raises(DeploymentRefused) as refused:
        deployed(tmp_path, toml)

    [problem] = refused.value.problems
    assert problem.startswith(message)


def test_stored_entries_are_verified_and_compared(tmp_path: Path) -> None:
    deployed(tmp_path, entry())
    deployed(tmp_path, entry('missed = "skip"'))
    before, after = (row.deployment for row in Component.objects.filter(name="nightly").order_by("id"))

    assert list(diff_lines(compare(before, after))) == [
        "~ component nightly (same code)",
        '    missed: "run_once" -> "skip"',
    ]
    assert verify_deployment(after).problems == ()
    Component.objects.filter(name="adder").delete()
    assert "component nightly: no component exports test:adder/api.add" in verify_deployment(after).problems
