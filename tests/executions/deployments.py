"""Deployments for tests of who submits: declared functions, which need no compiler, and one that runs."""

from __future__ import annotations

from pathlib import Path

from components.services import deploy
from tests.components_app.builders import activity_table, make_wasm, write_deployment

ADD = "test:adder/api.add"
APPROVE = "test:adder/human.approve"
PING = "test:ping/api.ping"
"""The function of `deploy_runnable`: takes nothing, returns ok."""

_DECLARED = """
[[activity_external]]
name = "adder"
ffqn = "test:adder/api.add"
params = [{ name = "a", type = "u8" }, { name = "names", type = "list<string>" }]
return_type = "result<u32>"

[[activity_stub]]
name = "approve"
ffqn = "test:adder/human.approve"
params = []
return_type = "result"
"""


def deploy_declared(folder: Path, extra: str = "") -> str:
    """Deploy an activity of a number and a list, a stub, and what ``extra`` adds; return the deployment's id."""
    return deploy(write_deployment(folder, _DECLARED + extra)).deployment.deployment_id


def deploy_declared_text(folder: Path) -> str:
    """Deploy the same with an activity that takes text in place of the number; return the deployment's id."""
    return deploy(write_deployment(folder, _DECLARED.replace('"u8"', '"string"'))).deployment.deployment_id


def deploy_runnable(folder: Path, extra: str = "") -> str:
    """Deploy a component that an executor can run; return the deployment's id."""
    ping = make_wasm(exports={"test:ping/api": ["ping"]})
    return deploy(write_deployment(folder, activity_table("ping", extra), ping=ping)).deployment.deployment_id


def declared(ffqn: str) -> str:
    """Return the table of one more function, which takes nothing."""
    return f'[[activity_external]]\nffqn = "{ffqn}"\nparams = []\nreturn_type = "result"\n'
