"""Sending a deployment: the manifest first, then the files that the server says it lacks.

Source:
    Obelisk reference, sections 9.2 (``POST /v1/deployments``) and 11.2: two-phase submit.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from obelisk.client.api import Api, ClientError, Refused

_MISSING = 409
_WIT = ("*.wit", "deps/*.wit", "deps/*/*.wit")
_MOST_ROUNDS = 50
"""A file may turn out to import a further one."""


def submit_deployment(api: Api, manifest: Path, **options: str | bool | None) -> Any:
    """Send a deployment file and what it refers to.

    Args:
        api: The connection.
        manifest: The deployment file; what it names lies beside it.
        options: Further fields of the request; what is ``None`` or false is left out.

    Returns:
        What the server answers.

    Raises:
        ClientError: If a file cannot be read, or the server refuses.
    """
    try:
        text = manifest.read_text("utf-8")
    except OSError as error:
        raise ClientError(f"{manifest} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ClientError(f"{manifest} cannot be read: byte {error.start} is not UTF-8 text") from error
    fields = {"deployment_toml": text}
    fields |= {name: "true" if value is True else value for name, value in options.items() if value}
    # Which files a folder of WIT holds, the server cannot know.
    files = {name: _read(manifest.parent, name) for name in _wit_files(text, manifest.parent)}
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


def _wit_files(manifest: str, folder: Path) -> set[str]:
    try:
        document = tomllib.loads(manifest)
    except tomllib.TOMLDecodeError:
        # The server says where it is wrong.
        return set()
    entries = [entry for table in document.values() if isinstance(table, list) for entry in table]
    named = {entry["wit"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("wit"), str)}
    found = (path for wit in named for pattern in _WIT for path in (folder / wit).glob(pattern))
    return {path.relative_to(folder).as_posix() for path in found if path.is_relative_to(folder)}


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
