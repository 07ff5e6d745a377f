"""``obelisk generate``: ids, tokens and WIT files."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from tempfile import TemporaryFile

import click

from obelisk.client.arguments import DEPLOYMENT_ID
from obelisk.client.command import FAILED, Client, with_client, with_output
from obelisk.client.completion import complete_deployments
from obelisk.client.ids import make_deployment_id, make_execution_id
from obelisk.client.installation import run_here
from obelisk.client.output import Output
from obelisk.client.wit_packages import COMPONENT_TYPES, dependency_files, split_packages, support_files
from obelisk.client.writing import write_files

_TOKEN_BYTES = 32

_folder_argument = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
_force_option = click.option("--force", is_flag=True, help="Write over files that are there.")


@click.group("generate")
def generate_group() -> None:
    """Make ids, tokens and WIT files."""


@generate_group.command("execution-id")
@with_output
def execution_id(out: Output) -> None:
    """Print a fresh execution id.

    Whoever submits with it may submit again, and starts one execution.
    """
    generated = make_execution_id()
    out.answer({"execution_id": generated}, generated)


@generate_group.command("deployment-id")
@with_output
def deployment_id(out: Output) -> None:
    """Print a fresh deployment id.

    Whoever submits with it may submit again, and stores one deployment.
    """
    generated = make_deployment_id()
    out.answer({"deployment_id": generated}, generated)


@generate_group.command("token")
@with_output
def token(out: Output) -> None:
    """Print a random API token and its SHA-256.

    A server of Obelisk lists it under api.token_hashes. This server makes and names its own: `manage.py token create`.
    """
    made = secrets.token_urlsafe(_TOKEN_BYTES)
    digest = hashlib.sha256(made.encode()).hexdigest()
    out.answer({"token": made, "sha256": digest}, made)
    if not out.as_json:
        out.note(f"sha256: {digest}")


@generate_group.command("wit")
@_folder_argument
@_force_option
@with_client
def wit(client: Client, folder: Path, *, force: bool) -> None:
    """Write the WIT of each deployed component into FOLDER."""
    files = {}
    for component in client.api.get("components"):
        component_id = component["component_id"]
        if text := client.api.text("components", component_id["component_digest"], "wit"):
            files[f"{component_id['name']}.wit"] = text.encode()
    client.out.lines(write_files(folder, files, force=force))


@generate_group.command("wit-deps")
@_folder_argument
@click.option(
    "--deployment-id",
    metavar="ID",
    type=DEPLOYMENT_ID,
    shell_complete=complete_deployments,
    help="Of another deployment than the active one.",
)
@_force_option
@with_client
def wit_deps(client: Client, folder: Path, deployment_id: str | None, *, force: bool) -> None:
    """Write the WIT of what can be imported into FOLDER.

    FOLDER is such as wit/deps. It gets a folder for each package that activities and workflows
    export or that is generated for these, but for the one that the WIT beside FOLDER declares. What these
    use of Obelisk's own comes from `generate wit-support`.
    """
    packages = split_packages(client.api.text("wit", deployment_id=deployment_id))
    files = dependency_files(packages, folder)
    client.out.lines(write_files(folder, files, force=force))


@generate_group.command("wit-extensions")
@click.argument("component_type", metavar="TYPE", type=click.Choice(("activity", "activity_stub", "workflow")))
@click.argument("wit", metavar="WIT", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_folder_argument
@_force_option
@with_output
def wit_extensions(out: Output, component_type: str, wit: Path, folder: Path, *, force: bool) -> None:
    """Write the WIT of a component's extensions into FOLDER.

    Of what the engine generates for the functions that it exports. WIT is the folder with the component's own, TYPE
    is activity, activity_stub or workflow. No server is needed.
    """
    with TemporaryFile("w+", encoding="utf-8") as written:
        if run_here(out, "component", "companions", component_type, str(wit), stdout=written) != 0:
            raise SystemExit(FAILED)
        written.seek(0)
        packages = split_packages(written.read())
    out.lines(write_files(folder, dependency_files(packages, folder), force=force))


@generate_group.command("wit-support")
@click.argument("component_type", metavar="TYPE", type=click.Choice(COMPONENT_TYPES))
@_folder_argument
@_force_option
@with_output
def wit_support(out: Output, component_type: str, folder: Path, *, force: bool) -> None:
    """Write the WIT of Obelisk's own packages into FOLDER.

    Those that a component of TYPE may import: activity, workflow or webhook_endpoint. FOLDER is such as wit/deps.
    """
    out.lines(write_files(folder, support_files(component_type), force=force))
