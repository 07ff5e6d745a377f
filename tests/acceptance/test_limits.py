"""A limit of the deployment file, and what it comes to in the site's own processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.log.ids import ExecutionId
from tests.acceptance.sites import REPOSITORY, Site

_PROBE = REPOSITORY / "tests" / "components" / "probe" / "probe.wasm"
_DEPLOYMENT = """
[[activity_wasm]]
name = "probe"
location = "probe.wasm"
max_retries = 0
limits = { fuel = 5_000_000 }
exec.lock_expiry = { seconds = 60 }
"""


def result_of(site: Site, function: str, *params: object) -> Any:
    execution_id = ExecutionId(site.check("submit", f".../activity.{function}", json.dumps(params)).out.strip())
    site.wait_until_finished(execution_id)
    return json.loads(site.run("execution", "result", execution_id).out)


def test_a_component_that_loops_runs_out_of_the_fuel_that_its_deployment_gives(
    tmp_path: Path, django_db_blocker: object
) -> None:
    (tmp_path / "deployment.toml").write_text(_DEPLOYMENT)
    (tmp_path / "probe.wasm").write_bytes(_PROBE.read_bytes())
    site = Site(tmp_path, {"OBELISK_FUEL": "1000000000"})
    try:
        site.migrate()
        site.check("deploy", str(tmp_path / "deployment.toml"))
        site.start_executor()
        failure = result_of(site, "spin")["execution_failed"]
        sum_of_two = result_of(site, "add", 1, 2)
    finally:
        site.kill()

    assert failure["kind"] == "out_of_fuel"
    assert failure["reason"].startswith("activity out of fuel: ")
    assert "it may execute 5000000 instructions (limits.fuel)" in failure["detail"]
    assert sum_of_two == {"ok": 3}
