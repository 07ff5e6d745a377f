"""Sending a deployment: the manifest first, then the files that the server says it lacks.

Source:
    Obelisk reference, sections 9.2 (``POST /v1/deployments``) and 11.2: two-phase submit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from obelisk.client.api import Api, ClientError, Refused

_MISSING = 409
_MOST_ROUNDS = 50
"""A file may turn out to import a further one."""


def submit_deployment(api: Api, manifest: Path, *, description: str | None = None, **options: bool) -> Any:
    """Send a deployment file and what it refers to.

    Args:
        api: The connection.
        manifest: The deployment file; what it names lies beside it.
        description: What people read about it.
        options: Further fields of the request.

    Returns:
        What the server answers.

    Raises:
        ClientError: If a file cannot be read, or the server refuses.
    """
    try:
        fields = {"deployment_toml": manifest.read_text("utf-8")}
    except (OSError, UnicodeDecodeError) as error:
        raise ClientError(f"{manifest} cannot be read: {error}") from error
    if description is not None:
        fields["description"] = description
    fields |= {name: json.dumps(value) for name, value in options.items() if value}
    files: dict[str, bytes] = {}
    for _ in range(_MOST_ROUNDS):
        try:
            return api.upload(
                "deployments",
                fields=fields,
                files=[("file", (name, content)) for name, content in files.items()],
            )
        except Refused as refusal:
            missing = _missing_files(refusal)
            if not missing or missing <= files.keys():
                raise ClientError(_explain(refusal)) from refusal
            files |= {name: _read(manifest.parent, name) for name in missing - files.keys()}
    raise ClientError(f"{manifest} refers to too many files that refer to others")


def _missing_files(refusal: Refused) -> set[str]:
    document = refusal.document
    if refusal.status != _MISSING or not isinstance(document, dict):
        return set()
    # What has no digest can only be sent; what has one may be stored there already.
    issues = [issue for key in ("missing_digest_fields", "missing_files") for issue in document.get(key) or ()]
    return {issue["path"] for issue in issues if issue.get("path")}


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    # The server names the files; what lies elsewhere is none of its business.
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ClientError(f"the deployment refers to {name}, which is outside of its folder")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}") from error


def _explain(refusal: Refused) -> str:
    document = refusal.document
    if not isinstance(document, dict):
        return str(refusal)
    keys = ("missing_files", "unexpected_files", "digest_mismatches", "oversized_files", "missing_digest_fields")
    issues = [str(issue["message"]) for key in keys for issue in document.get(key) or () if issue.get("message")]
    return "\n".join(issues) or str(refusal)
