"""``obelisk deployment``: send deployments, look at them, activate them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from obelisk.client.api import ClientError
from obelisk.client.command import FAILED, Client, with_client
from obelisk.client.uploads import submit_deployment

_COUNTS = ("pending", "scheduled", "locked", "blocked", "paused", "cancelling")
_PREFIX = "Dep_"

_file = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default="deployment.toml"
)  # fmt: skip
_description = click.option("--description", metavar="TEXT", help="What people read about it.")
_allow = click.option(
    "--allow-unavailable-runtime-config",
    is_flag=True,
    help="Accept it though environment variables or secrets that it needs are missing.",
)


@click.group("deployment")
def deployment_group() -> None:
    """Send, compare and activate deployments."""


@deployment_group.command("submit")
@_file
@_description
@_allow
@with_client
def submit(client: Client, file: Path, description: str | None, *, allow_unavailable_runtime_config: bool) -> None:
    """Send FILE and its components; it stays inactive."""
    answer = submit_deployment(
        client.api,
        file,
        description=description,
        allow_unavailable_runtime_config=allow_unavailable_runtime_config,
    )
    _show_id(client, answer)


@deployment_group.command("verify")
@click.argument("source", default="deployment.toml")
@with_client
def verify(client: Client, source: str) -> None:
    """Check SOURCE on the server: a deployment file, which is sent and stays inactive, or the id of a deployment."""
    deployment_id = _id_of(client, source, None)
    answer = client.api.post("deployments", deployment_id, "verify")
    found = [*answer["problems"], *answer["unavailable"]]
    if client.out.as_json:
        client.out.document({"deployment_id": deployment_id, **answer})
    elif not found:
        client.out.line(f"{source} can be deployed")
    else:
        for problem in found:
            client.out.line(problem, "error")
    if found:
        raise SystemExit(FAILED)


@deployment_group.command("apply")
@click.argument("source", default="deployment.toml")
@_description
@with_client
def apply(client: Client, source: str, description: str | None) -> None:
    """Activate SOURCE now: a deployment file, which is sent first, or the id of a deployment."""
    _switch(client, _id_of(client, source, description), apply=True)


@deployment_group.command("enqueue")
@click.argument("source", default="deployment.toml")
@_description
@_allow
@with_client
def enqueue(client: Client, source: str, description: str | None, *, allow_unavailable_runtime_config: bool) -> None:
    """Have SOURCE activated when the server starts next: a deployment file, or the id of a deployment."""
    allowed = {"allow_unavailable_runtime_config": allow_unavailable_runtime_config}
    _switch(client, _id_of(client, source, description, **allowed), apply=False, **allowed)


@deployment_group.command("switch")
@click.argument("deployment_id", metavar="ID")
@with_client
def switch(client: Client, deployment_id: str) -> None:
    """Activate a deployment that the server has, such as an earlier one."""
    _switch(client, deployment_id, apply=True)


def _id_of(client: Client, source: str, description: str | None, **options: bool) -> str:
    if source.startswith(_PREFIX):
        return source
    if not Path(source).is_file():
        raise ClientError(f"{source} is neither a file nor a deployment's id")
    answer = submit_deployment(client.api, Path(source), description=description, **options)
    return str(answer["deployment_id"])


def _switch(client: Client, deployment_id: str, **options: bool) -> None:
    answer = client.api.put("deployments", deployment_id, "switch", body=options)
    if client.out.as_json:
        client.out.document({"deployment_id": deployment_id, **answer})
    else:
        client.out.note(str(answer.get("ok", answer)))
        client.out.line(deployment_id)


def _show_id(client: Client, answer: Any) -> None:
    if client.out.as_json:
        client.out.document(answer)
    else:
        client.out.line(str(answer["deployment_id"]))


@deployment_group.command("list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Most deployments to show.")
@with_client
def list_deployments(client: Client, limit: int) -> None:
    """List deployments, newest first, with the executions that belong to each."""
    found = client.api.get("deployments", length=limit)
    if client.out.as_json:
        client.out.document(found)
        return
    client.out.table(
        ["DEPLOYMENT", "STATUS", "CREATED", "UNFINISHED", "OK", "FAILED", "DESCRIPTION"],
        (
            [
                each["deployment_id"],
                each["status"],
                each["created_at"],
                str(sum(each[count] for count in _COUNTS)),
                str(each["finished_ok"]),
                str(each["finished_error"] + each["finished_execution_failure"]),
                each.get("description") or "",
            ]
            for each in found
        ),
    )


@deployment_group.command("active")
@with_client
def active(client: Client) -> None:
    """Print the id of the active deployment."""
    _show_id(client, {"deployment_id": client.api.get("deployment-id")})


@deployment_group.command("show")
@click.argument("deployment_id", metavar="ID")
@click.argument("path", required=False)
@with_client
def show(client: Client, deployment_id: str, path: str | None) -> None:
    """Show a deployment, or the content of one of its files."""
    deployment = client.api.get("deployments", deployment_id)
    if path is not None:
        digests = {file["path"]: file["digest"] for file in deployment["files"]}
        if path not in digests:
            raise ClientError(f"{deployment_id} has no file {path}; it has {', '.join(sorted(digests)) or 'none'}")
        client.out.line(client.api.text("files", digests[path]))
        return
    if client.out.as_json:
        client.out.document(deployment)
        return
    for name in ("deployment_id", "status", "digest", "description", "created_at", "last_active_at"):
        client.out.line(f"{name:16}{deployment.get(name) or '-'}")
    for file in deployment["files"]:
        client.out.line(f"{'file':16}{file['path']} ({file['size']} bytes)")
    client.out.line("")
    client.out.line(deployment["deployment_toml"])


@deployment_group.command("diff")
@click.argument("one", metavar="ID")
@click.argument("other", metavar="ID")
@with_client
def diff(client: Client, one: str, other: str) -> None:
    """Show what changes from one deployment to another."""
    client.out.document(client.api.get("deployments", one, "diff", other))
