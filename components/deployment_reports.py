"""What clients and commands are told of a stored deployment.

Source:
    The keys are those of Obelisk's REST API, reference section 9.2 (``/v1/deployments``).
"""

from __future__ import annotations

from typing import Any

from components.models import ComponentFile, Deployment
from engine.log.time_json import encode_instant


def describe_deployment(deployment: Deployment) -> dict[str, Any]:
    """Return what a list says about a deployment; what is not known of it is left out."""
    described: dict[str, Any] = {
        "deployment_id": deployment.deployment_id,
        "status": deployment.status,
        "digest": deployment.digest,
    }
    if deployment.description:
        described["description"] = deployment.description
    described["created_at"] = encode_instant(deployment.created_at)
    if deployment.last_active_at is not None:
        described["last_active_at"] = encode_instant(deployment.last_active_at)
    return described


def describe_stored_files(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the files that a deployment names, each once, by path."""
    files = ComponentFile.objects.of_deployment(deployment.deployment_id)
    by_path = {file.path: {"path": file.path, "digest": file.blob_id, "size": file.blob.size} for file in files}
    return [by_path[path] for path in sorted(by_path)]
