"""``obelisk deployment``: send deployments, look at them, activate them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from obelisk.client.api import ClientError
from obelisk.client.arguments import DEPLOYMENT_ID, deployment_argument, limit_option
from obelisk.client.command import FAILED, Client, with_client
from obelisk.client.completion import complete_deployments, complete_sources
from obelisk.client.ids import DEPLOYMENT_PREFIX
from obelisk.client.installation import run_here
from obelisk.client.uploads import submit_deployment
from obelisk.client.writing import write_files

_COUNTS = ("pending", "scheduled", "locked", "blocked", "paused", "cancelling")
_MANIFEST = "deployment.toml"

_file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=_MANIFEST)
_source_argument = click.argument("source", metavar="[FILE|ID]", default=_MANIFEST, shell_complete=complete_sources)
_description_option = click.option("--description", metavar="TEXT", help="What people read about it.")
_id_option = click.option(
    "--deployment-id", metavar="ID", help="Store it under this id; sending the same again changes nothing."
)
_allow_option = click.option(
    "--allow-unavailable-runtime-config",
    is_flag=True,
    help="Accept it though environment variables or secrets that it needs are missing.",
)


@click.group("deployment")
def deployment_group() -> None:
    """Send, compare and activate deployments."""


@deployment_group.command("submit")
@_file_argument
@_description_option
@_id_option
@_allow_option
@with_client
def submit(client: Client, file: Path, **options: Any) -> None:
    """Send FILE and its components; it stays inactive."""
    answer = _submit(client, file, **options)
    client.out.answer(answer, str(answer["deployment_id"]))


def _submit(client: Client, file: Path, **options: Any) -> Any:
    answer = submit_deployment(client.api, file, **options)
    for warning in answer.get("warnings") or ():
        client.out.note(f"warning: {warning}")
    return answer


@deployment_group.command("verify")
@_source_argument
@_allow_option
@with_client
def verify(client: Client, source: str, *, allow_unavailable_runtime_config: bool) -> None:
    """Check a deployment file here, or a stored one on the server.

    A file is read, compiled and type-checked by this installation, with its variables and secrets.
    """
    if not source.startswith(DEPLOYMENT_PREFIX):
        flags = {"--json": client.out.as_json, "--allow-unavailable": allow_unavailable_runtime_config}
        given = [flag for flag, is_given in flags.items() if is_given]
        if run_here(client.out, "deploy", "--verify-only", *given, "--", source) != 0:
            raise SystemExit(FAILED)
        return
    answer = client.api.post("deployments", source, "verify")
    found = [*answer["problems"], *([] if allow_unavailable_runtime_config else answer["unavailable"])]
    if client.out.as_json:
        client.out.document(answer)
    elif not found:
        client.out.line(f"{source} can be deployed")
    else:
        for problem in found:
            client.out.line(problem, "error")
    if found:
        raise SystemExit(FAILED)


@deployment_group.command("apply")
@_source_argument
@_description_option
@_id_option
@with_client
def apply(client: Client, source: str, **options: Any) -> None:
    """Activate a deployment now.

    A deployment file is sent first, the id of a stored one does as well.
    """
    _switch(client, _stored(client, source, options), apply=True)


@deployment_group.command("enqueue")
@_source_argument
@_description_option
@_id_option
@_allow_option
@with_client
def enqueue(client: Client, source: str, *, allow_unavailable_runtime_config: bool, **options: Any) -> None:
    """Have a deployment activated when the server starts next.

    A deployment file is sent first, the id of a stored one does as well.
    """
    allowed = {"allow_unavailable_runtime_config": allow_unavailable_runtime_config}
    _switch(client, _stored(client, source, options, **allowed), apply=False, **allowed)


@deployment_group.command("switch")
@deployment_argument
@with_client
def switch(client: Client, deployment_id: str) -> None:
    """Activate a stored deployment now, such as an earlier one."""
    _switch(client, deployment_id, apply=True)


def _stored(client: Client, source: str, about: Mapping[str, str | None], **options: bool) -> str:
    """Return the id of a deployment that the server has; a file is sent first, with what is to be kept about it."""
    if source.startswith(DEPLOYMENT_PREFIX):
        if any(about.values()):
            raise click.UsageError(f"--description and --deployment-id are for a file; {source} has both already")
        return source
    if not Path(source).is_file():
        raise ClientError(f"{source} is neither a file nor a deployment's id")
    return str(_submit(client, Path(source), **about, **options)["deployment_id"])


def _switch(client: Client, deployment_id: str, **options: bool) -> None:
    answer = client.api.put("deployments", deployment_id, "switch", body=options)
    if not client.out.as_json:
        client.out.note(str(answer["ok"]))
    client.out.answer({"deployment_id": deployment_id, **answer}, deployment_id)


@deployment_group.command("list")
@limit_option
@with_client
def list_deployments(client: Client, limit: int) -> None:
    """List deployments, newest first.

    With the numbers of executions that began with each.
    """
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
    deployment_id = client.api.get("deployment-id")
    client.out.answer({"deployment_id": deployment_id}, deployment_id)


@deployment_group.command("show")
@deployment_argument
@click.argument("path", metavar="[FILE]", required=False)
@with_client
def show(client: Client, deployment_id: str, path: str | None) -> None:
    """Show a deployment, or the content of one of its files."""
    deployment = client.api.get("deployments", deployment_id)
    if path is not None:
        digests = {file["path"]: file["digest"] for file in deployment["files"]}
        if path not in digests:
            raise ClientError(f"{deployment_id} has no file {path}; it has {', '.join(sorted(digests)) or 'none'}")
        client.out.content(client.api.content("files", digests[path]))
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


@deployment_group.command("get")
@deployment_argument
@click.option(
    "--output",
    "-o",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write it; default: a folder named like the id.",
)
@click.option("--force", "-f", is_flag=True, help="Write over files that are there.")
@with_client
def get(client: Client, deployment_id: str, folder: Path | None, *, force: bool) -> None:
    """Write a deployment and its files into a folder."""
    deployment = client.api.get("deployments", deployment_id)
    files = {_MANIFEST: deployment["deployment_toml"].encode()}
    files |= {file["path"]: client.api.content("files", file["digest"]) for file in deployment["files"]}
    client.out.lines(write_files(folder or Path(deployment_id), files, force=force))


@deployment_group.command("diff")
@click.argument("before", type=DEPLOYMENT_ID, shell_complete=complete_deployments)
@click.argument("after", type=DEPLOYMENT_ID, shell_complete=complete_deployments)
@with_client
def diff(client: Client, before: str, after: str) -> None:
    """Show what changes from the deployment BEFORE to AFTER."""
    path = ("deployments", before, "diff", after)
    if client.out.as_json:
        client.out.document(client.api.get(*path))
    else:
        client.out.line(client.api.text(*path).rstrip("\n"))


@deployment_group.command("gc")
@click.option(
    "--older-than", metavar="AGE", help="Delete also deployments that nothing has needed for so long, such as 30d."
)
@click.option("--dry-run", is_flag=True, help="Only tell what would be deleted.")
@with_client
def gc(client: Client, older_than: str | None, *, dry_run: bool) -> None:
    """Delete files that no deployment is made of."""
    body = {"dry_run": dry_run, **({} if older_than is None else {"older_than": older_than})}
    found = client.api.post("deployments", "gc", body=body)
    verb = "would be deleted" if dry_run else "deleted"
    what = f"deployments: {len(found['deployments'])}, files: {found['files']}, bytes: {found['bytes']}"
    client.out.answer(found, f"{verb}: {what}")
