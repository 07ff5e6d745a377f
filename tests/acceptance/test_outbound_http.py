"""An activity that reaches out, deployed and run by real processes; and where its secret is not."""

from __future__ import annotations

import json
from pathlib import Path

from engine.log.ids import ExecutionId
from tests.acceptance.sites import REPOSITORY, Site
from tests.harness.http_servers import Answer, serve
from tests.harness.wasi_guest import make_message

SECRET = "a-secret-of-the-operators"
_COURIER = REPOSITORY / "tests" / "components" / "courier" / "courier.wasm"


def deployment(origin: str) -> str:
    return f"""
[[activity_wasm]]
name = "courier"
location = "courier.wasm"
max_retries = 0
exec.lock_expiry = {{ seconds = 30 }}

[[activity_wasm.allowed_host]]
pattern = "{origin}"
methods = "*"
secrets = ["TOKEN"]
replace_in = ["headers", "params", "body"]
"""


def operator(origin: str) -> str:
    return f"""
[secrets]
TOKEN = {{ env = "OUR_TOKEN" }}

[[outbound_http.allowed_host]]
pattern = "{origin}"
methods = ["POST"]
secrets = ["TOKEN"]
replace_in = ["headers", "params", "body"]
"""


def submit(site: Site, function: str, params: list[object]) -> ExecutionId:
    submitted = site.check("submit", f".../activity.{function}", json.dumps(params))
    execution_id = ExecutionId(submitted.out.strip())
    site.wait_until_finished(execution_id)
    return execution_id


def test_a_request_goes_where_both_sides_allow_it_and_its_secret_nowhere_else(
    tmp_path: Path, django_db_blocker: object
) -> None:
    with serve(lambda received: Answer(body=received.body)) as upstream:
        (tmp_path / "server.toml").write_text(operator(upstream.origin))
        (tmp_path / "deployment.toml").write_text(deployment(upstream.origin))
        (tmp_path / "courier.wasm").write_bytes(_COURIER.read_bytes())
        site = Site(
            tmp_path, {"OBELISK_SERVER_CONFIG": str(tmp_path / "server.toml"), "OUR_TOKEN": SECRET, "DJANGO_DEBUG": "0"}
        )
        try:
            site.migrate()
            site.check("deploy", str(tmp_path / "deployment.toml"))
            executor = site.start_executor()
            sent = submit(site, "post-secret", [upstream.authority, "TOKEN"])
            denied = submit(site, "fetch", [make_message(upstream.authority)])
            shown = [site.check("execution", command, sent).out for command in ("http", "events", "result", "logs")]
            warned = site.check("execution", "logs", denied).out
            rows = site.query("SELECT execution_id, method, status, error FROM executions_httpexchange ORDER BY id")
            said = executor.out + executor.err
        finally:
            site.kill()

    assert upstream.received[0].header("authorization") == SECRET
    assert [(row[0], row[1], row[2]) for row in rows] == [(sent, "POST", 200), (denied, "GET", None)]
    assert "HTTP-request-denied" in str(rows[1][3])
    assert "HTTP request denied: GET" in warned
    assert not [text for text in [*shown, warned, said] if SECRET in text]
    assert f"200  POST http://{upstream.authority}/" in shown[0]
    assert "got <secret TOKEN>" in shown[-1]
    files = [path for path in site.data_dir.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
