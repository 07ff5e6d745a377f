"""``obelisk component``: what is deployed, and what can be called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from obelisk.client.api import ClientError
from obelisk.client.command import Client, with_client
from obelisk.client.completion import complete_components, complete_deployments


@click.group("component")
def component_group() -> None:
    """Look at components and their functions."""


@component_group.command("list")
@click.option("--imports", "-i", is_flag=True, help="Also what they import.")
@click.option("--extensions", "-e", is_flag=True, help="Also the functions that the engine generates.")
@click.option("--type", "component_type", metavar="TYPE", help="Only this type, such as workflow.")
@click.option(
    "--deployment-id",
    metavar="ID",
    shell_complete=complete_deployments,
    help="Of another deployment than the active one.",
)
@with_client
def list_components(
    client: Client, component_type: str | None, deployment_id: str | None, *, imports: bool, extensions: bool
) -> None:
    """List components with the functions that they export."""
    components = client.api.get(
        "components",
        type=component_type,
        deployment_id=deployment_id,
        exports=True,
        imports=imports,
        extensions=extensions,
    )
    if client.out.as_json:
        client.out.document(components)
        return
    for component in components:
        _show(client, component)


@component_group.command("inspect")
@click.argument("component", metavar="NAME|DIGEST", shell_complete=complete_components)
@click.option(
    "--deployment-id",
    metavar="ID",
    shell_complete=complete_deployments,
    help="In another deployment than the active one.",
)
@with_client
def inspect(client: Client, component: str, deployment_id: str | None) -> None:
    """Show one component: its functions, its files and its WIT."""
    key = "digest" if component.startswith("sha256:") else "name"
    found = client.api.get(
        "components",
        **{key: component},
        deployment_id=deployment_id,
        exports=True,
        imports=True,
        extensions=True,
    )
    if not found:
        raise ClientError(f"there is no component {component}; `obelisk component list` shows them")
    if client.out.as_json:
        client.out.document(found[0])
        return
    _show(client, found[0])
    for file in found[0].get("files", ()):
        client.out.line(f"  file {file['file']['path']} ({file['role']}, {file['file']['size']} bytes)")
    digest = found[0]["component_id"]["component_digest"]
    if wit := client.api.text("components", digest, "wit", deployment_id=deployment_id):
        client.out.line(wit)


def _show(client: Client, component: dict[str, Any]) -> None:
    component_id = component["component_id"]
    client.out.line(
        f"{component_id['component_type']} {component_id['name']} {component_id['component_digest']}", "locked"
    )
    for function in component.get("exports") or ():
        client.out.line(f"  {_signature(function)}")
    for function in component.get("imports") or ():
        client.out.line(f"  imports {_signature(function)}", "debug")


def _signature(function: dict[str, Any]) -> str:
    params = ", ".join(_parameters(function))
    returns = _type_text(function.get("return_type"))
    return f"{function['ffqn']}: func({params}){f' -> {returns}' if returns else ''}"


def _parameters(function: dict[str, Any]) -> Iterator[str]:
    for param in function.get("parameter_types") or ():
        yield f"{param['name']}: {_type_text(param['wit_type'])}"


def _type_text(value: Any) -> str:
    return str(value.get("wit_type", "")) if isinstance(value, dict) else str(value or "")
