from __future__ import annotations

from pathlib import Path

import pytest

from components.deployed_rows import stored_components
from components.models import Component, Deployment
from components.services import deploy
from console.code.links import Linking
from tests.components_app.builders import activity_table, make_wasm, workflow_table, write_deployment

pytestmark = pytest.mark.django_db

PAY = make_wasm(exports={"test:pay/api": ["charge"]})
FLOW = make_wasm(exports={"test:flow/api": ["run"]}, imports={"test:pay/api": ["charge"], "wasi:cli/stdin@0.2.0": []})
CRON = '[[cron]]\nname = "nightly"\nffqn = "test:flow/api.run"\nschedule = "0 2 * * *"\nparams = "[]"\n'


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    toml = activity_table("pay") + workflow_table("flow", "stub_wasi = true") + CRON
    return deploy(write_deployment(tmp_path, toml, pay=PAY, flow=FLOW)).deployment


def rows_of(deployment: Deployment) -> tuple[Linking, dict[str, Component]]:
    rows = stored_components(deployment)
    return Linking(rows), {row.name: row for row, _ in rows}


def test_imports_are_satisfied_by_components_and_the_host(deployment: Deployment) -> None:
    linking, rows = rows_of(deployment)

    pay, stdin = linking.imports(rows["flow"])

    assert (str(pay.name), pay.by, [each.name for each in pay.providers]) == ("test:pay/api", "component", ["pay"])
    assert (str(stdin.name), stdin.by, stdin.providers) == ("wasi:cli/stdin@0.2.0", "host", [])


def test_users_are_components_that_import_and_schedules_that_start(deployment: Deployment) -> None:
    linking, rows = rows_of(deployment)

    assert [each.name for each in linking.users(rows["pay"])] == ["flow"]
    assert [each.name for each in linking.users(rows["flow"])] == ["nightly"]
    assert linking.users(rows["nightly"]) == []


def test_what_nobody_exports_is_said(deployment: Deployment) -> None:
    deployment.components.get(name="pay").delete()
    linking, rows = rows_of(deployment)

    pay, _ = linking.imports(rows["flow"])

    assert (pay.by, pay.providers) == ("nobody", [])
    assert pay.functions[0].provider is None


def test_what_is_generated_for_a_function_is_satisfied_by_who_exports_that(tmp_path: Path) -> None:
    from tests.executions.scripts import write_scripts

    flow = "import { addSubmit } from 'test:js-obelisk-ext/math';\nexport default (n) => { addSubmit; return 1; };"
    deployment = deploy(write_scripts(tmp_path, flow)).deployment
    linking, rows = rows_of(deployment)

    [imported] = linking.imports(rows["flows.sum"])

    assert (imported.by, [each.name for each in imported.providers]) == ("component", ["math.add"])
    assert [each.companion for each in imported.functions] == ["submit"]
