"""``obelisk generate``: ids, tokens and WIT files."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import click

from obelisk.client.api import ClientError
from obelisk.client.command import Client, with_client

_TOKEN_BYTES = 32


@click.group("generate")
def generate_group() -> None:
    """Make ids, tokens and WIT files."""


@generate_group.command("execution-id")
@with_client
def execution_id(client: Client) -> None:
    """Print a fresh execution id; whoever submits with it may safely submit again."""
    generated = client.api.get("execution-id")
    if client.out.as_json:
        client.out.document({"execution_id": generated})
    else:
        client.out.line(generated)


@generate_group.command("token")
@click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON only.")
def token(*, as_json: bool) -> None:
    """Print a random API token and the SHA-256 by which a server may know it.

    A server of Obelisk lists it under api.token_hashes. This server makes and names its own: `manage.py token create`.
    """
    made = secrets.token_urlsafe(_TOKEN_BYTES)
    digest = hashlib.sha256(made.encode()).hexdigest()
    if as_json:
        click.echo(f'{{"token": "{made}", "sha256": "{digest}"}}')
    else:
        click.echo(made)
        click.echo(f"sha256: {digest}", err=True)


@generate_group.command("wit")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over files that are there.")
@with_client
def wit(client: Client, folder: Path, *, force: bool) -> None:
    """Write the WIT of every deployed component into FOLDER, a file each."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for component in client.api.get("components"):
        component_id = component["component_id"]
        text = client.api.text("components", component_id["component_digest"], "wit")
        if not text:
            continue
        name = f"{component_id['name']}.wit"
        # The server names the files; it has no say in where they go.
        if Path(name).name != name:
            raise ClientError(f"the server has a component {component_id['name']}, which cannot be the name of a file")
        path = folder / name
        if path.exists() and not force:
            raise ClientError(f"{path} is there already; --force writes over it")
        path.write_text(text, "utf-8")
        written.append(str(path))
    if client.out.as_json:
        client.out.document(written)
    else:
        for name in written:
            client.out.line(name)
