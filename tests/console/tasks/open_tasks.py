"""Open tasks for tests: a stub that a workflow calls, with what its source says to people."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.models import Group, User
from django.test import Client

from components.models import Component
from engine.deployment.spec import ComponentType
from engine.log.ids import ExecutionId, child_id
from executions.journal.journal import SqlJournal
from tests.builders import (
    JOIN_SET,
    make_append,
    make_child_request,
    make_component_id,
    make_created,
    make_execution,
    make_execution_id,
    make_submit,
)
from tests.engine.journal.commits import commit
from tests.executions.deployments import deploy_declared

STUB = "test:human/ask.approve-refund"
_TABLE = f"""
[[activity_stub]]
name = "refunds"
ffqn = "{STUB}"
params = [{{ name = "amount", type = "u64" }}, {{ name = "note", type = "string" }}]
return_type = "result<record {{ id: u64, note: option<string> }}, string>"
"""


def deploy_stub(folder: Path, *, title: str | None = None, group: str | None = None) -> None:
    """Deploy the stub, as if its source had a title and a group."""
    deployment = deploy_declared(folder, _TABLE)
    component = Component.objects.get(deployment=deployment, name="refunds")
    words = {"max_retries": None, "backoff_ms": None, "lock_expiry_ms": None, "title": title, "group": group}
    component.config["functions"] = {STUB: words}
    component.save()


def open_task(number: int = 1, *, params: str = '[881,"late"]', ffqn: str = STUB) -> ExecutionId:
    """Have a workflow call the stub; return the call's id."""
    parent = make_execution_id(number)
    journal = SqlJournal.for_current_connection()
    commit(journal, make_submit(parent, make_created(ffqn="test:shop/flows.refund")))
    stub = make_component_id("refunds", component_type=ComponentType.ACTIVITY_STUB)
    task = child_id(parent, JOIN_SET, 1)
    created = make_created(ffqn=ffqn, params=params, component_id=stub, parent=(parent, JOIN_SET))
    request = make_child_request(parent, params=params)
    commit(journal, make_append(parent, request, expected=1, created=[make_execution(task, created)]))
    return task


def person(name: str, *groups: str) -> Client:
    """The browser of somebody in some groups, who is logged in."""
    user = User.objects.create_user(name, password="x", is_staff=True)
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    browser = Client()
    browser.force_login(user)
    return browser
