from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from obelisk.client.main import main


class _Hostile(BaseHTTPRequestHandler):
    """A server that would write where it likes."""

    def do_GET(self) -> None:
        listed = [{"component_id": {"name": "../outside", "component_digest": "sha256:00"}}]
        body = b"package a:b;" if self.path.endswith("/wit") else json.dumps(listed).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: object) -> None:
        """Say nothing."""


@pytest.fixture
def hostile() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hostile) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_cannot_choose_another_folder(hostile: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["generate", "wit", str(tmp_path / "wit"), "--api-url", hostile])

    assert done.exit_code == 1
    assert "which is outside of" in done.output
    assert not (tmp_path / "outside.wit").exists()
