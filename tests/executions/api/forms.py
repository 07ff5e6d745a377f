"""Forms with files, as clients submit deployments."""

from __future__ import annotations

from collections.abc import Mapping

from tests.executions.api.clients import Answer, Api

BOUNDARY = "limit"


def part(name: str, content: bytes | str, file_name: str | None = None) -> bytes:
    """Return one part of a form: a field, or a file with a name."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    head += "" if file_name is None else f'; filename="{file_name}"\r\nContent-Type: application/wasm'
    return head.encode() + b"\r\n\r\n" + (content.encode() if isinstance(content, str) else content) + b"\r\n"


def send_form(api: Api, *parts: bytes) -> Answer:
    """Submit a deployment as a form of these parts."""
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return api.send("POST", "deployments", body, content_type=f"multipart/form-data; boundary={BOUNDARY}")


def submit_files(api: Api, toml: str, files: Mapping[str, bytes]) -> str:
    """Submit a deployment with its files, and return its id."""
    answer = send_form(api, part("deployment_toml", toml), *(part("file", files[path], path) for path in files))
    assert answer.status == 200, answer.text
    return str(answer.json["deployment_id"])
