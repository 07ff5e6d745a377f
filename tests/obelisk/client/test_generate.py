from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from obelisk.client.main import main
from tests.harness.http_servers import Answer, Received, serve


def hostile(request: Received) -> Answer:
    """Answer as a server that would write where it likes."""
    listed = [{"component_id": {"name": "../outside", "component_digest": "sha256:00"}}]
    return Answer(200, b"package a:b;" if request.path.endswith("/wit") else json.dumps(listed).encode())


def test_a_server_cannot_choose_another_folder(tmp_path: Path) -> None:
    with serve(hostile) as server:
        done = CliRunner().invoke(main, ["generate", "wit", str(tmp_path / "wit"), "--api-url", server.origin])

    assert done.exit_code == 1
    assert "which is outside of" in done.output
    assert not (tmp_path / "outside.wit").exists()


def test_a_token_and_its_hash_are_one_document() -> None:
    document = json.loads(CliRunner().invoke(main, ["generate", "token", "--json"]).stdout)

    assert document.keys() == {"token", "sha256"}
    assert len(document["sha256"]) == 64
