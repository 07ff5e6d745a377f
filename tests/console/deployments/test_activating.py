"""Choosing the deployment that runs, from its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from components.models import Deployment, DeploymentSwitch
from components.submission import submit_deployment
from components.submitted_files import SubmittedFile
from components.switching import switch_now
from executions.access.scopes import ROLES as SCOPES_OF
from executions.access.scopes import Scope
from tests.components_app.builders import activity_table, make_wasm
from tests.console.conftest import ROLES

ADDER = make_wasm(exports={"test:adder/api": ["add"]})
WIDER = '[[activity_wasm.allowed_host]]\npattern = "fraud.test"\nmethods = ["POST"]\n'
ASKED = "component adder may send requests to fraud.test (POST)"


def stored(extra: str = "", *, description: str = "", allow_unavailable: bool = False) -> str:
    files = {"adder.wasm": SubmittedFile(content=ADDER)}
    toml = activity_table("adder", extra)
    return submit_deployment(
        toml, files, description=description, allow_unavailable=allow_unavailable
    ).deployment.deployment_id


@pytest.fixture
def deployer(client_of: Callable[[str], Client]) -> Client:
    return client_of("deployer")


def activate(client: Client, deployment_id: str, **fields: Any) -> HttpResponse:
    data = {"when": "now", "reason": "because", "replacing": "", **fields}
    return client.post(f"/admin/deployments/{deployment_id}/activate/", data)  # type: ignore[return-value]


def status_of(deployment_id: str) -> str:
    return Deployment.objects.get(pk=deployment_id).status


@pytest.mark.parametrize("role", ROLES)
def test_who_may_deploy_chooses(client_of: Callable[[str], Client], role: str) -> None:
    browser, wanted = client_of(role), stored()
    may_deploy = role == "superuser" or Scope.DEPLOY in SCOPES_OF.get(role, ())
    paths = [f"/admin/deployments/{wanted}/{end}/" for end in ("activate", "rehearsal/start", "rehearsal/stop")]

    page = browser.get(f"/admin/deployments/{wanted}/")
    statuses = {browser.post(path, {}).status_code for path in paths[2:]}
    response = activate(browser, wanted, approved=[])

    assert ("Activate…" in page.text) == may_deploy
    assert (status_of(wanted) == "active") == may_deploy
    assert response.status_code == (302 if may_deploy or role == "anonymous" else 403)
    assert statuses == ({302} if may_deploy or role == "anonymous" else {403})


def test_who_chose_and_why_is_kept_and_shown(deployer: Client) -> None:
    first, second = stored(), stored(WIDER)
    switch_now(first)

    response = activate(deployer, second, replacing=first, approved=[ASKED], reason="fraud <b>checks</b>")

    assert response.headers["Location"] == f"/admin/deployments/{second}/"
    assert status_of(second) == "active"
    kept = DeploymentSwitch.objects.newest_of(second, limit=1)[0]
    assert (kept.actor, kept.reason, kept.replaced) == ("user:deployer", "fraud <b>checks</b>", first)
    assert kept.approved == [ASKED]
    for path in ("deployments/", f"deployments/{second}/"):
        page = deployer.get(f"/admin/{path}").text
        assert "user:deployer" in page
        assert "fraud &lt;b&gt;checks&lt;/b&gt;" in page


def test_each_widening_is_ticked_before(deployer: Client) -> None:
    first, second = stored(), stored(WIDER)
    switch_now(first)

    page = deployer.get(f"/admin/deployments/{second}/activate/").text
    refused = activate(deployer, second, replacing=first)

    assert f'name="approved" value="{ASKED}" required' in page
    assert refused.status_code == 409
    assert f"Tick that you approve it: {ASKED}" in refused.text
    assert "because</textarea>" in refused.text
    assert (status_of(first), status_of(second)) == ("active", "inactive")


def test_what_is_replaced_must_be_what_was_seen(deployer: Client) -> None:
    first, second, third = stored(), stored("max_retries = 1"), stored("max_retries = 2")
    switch_now(first)
    switch_now(second)

    refused = activate(deployer, third, replacing=first)

    assert refused.status_code == 409
    assert f"{second} is active now, and no longer {first}" in refused.text
    assert f'name="replacing" value="{second}"' in refused.text
    assert status_of(second) == "active"


@pytest.mark.parametrize(("reason", "why"), [("", "Say why"), ("x" * 501, "more than 500 characters")])
def test_a_reason_is_asked_for(deployer: Client, reason: str, why: str) -> None:
    wanted = stored()

    refused = activate(deployer, wanted, reason=reason)

    assert refused.status_code == 409
    assert why in refused.text
    assert status_of(wanted) == "inactive"


def test_what_cannot_be_run_here_is_told_and_refused(deployer: Client) -> None:
    wanted = stored('env_vars = ["NOT_SET_ANYWHERE"]', allow_unavailable=True)
    asked = "component adder is given the variable NOT_SET_ANYWHERE of the server"

    page = deployer.get(f"/admin/deployments/{wanted}/activate/").text
    refused = activate(deployer, wanted, approved=[asked])
    enqueued = activate(deployer, wanted, approved=[asked], when="start", allow_unavailable="on")

    assert "missing on this machine" in page
    assert refused.status_code == 409
    assert "NOT_SET_ANYWHERE is not set" in refused.text
    assert (enqueued.status_code, status_of(wanted)) == (302, "enqueued")


def test_a_second_click_does_no_harm(deployer: Client) -> None:
    wanted = stored()

    responses = [activate(deployer, wanted) for _ in range(2)]

    assert [each.status_code for each in responses] == [302, 302]
    assert DeploymentSwitch.objects.count() == 1


def test_looking_changes_nothing(deployer: Client) -> None:
    wanted = stored()

    for end in ("", "activate/", "rehearsal/"):
        assert deployer.get(f"/admin/deployments/{wanted}/{end}").status_code == 200
    for end in ("rehearsal/start/", "rehearsal/stop/"):
        assert deployer.get(f"/admin/deployments/{wanted}/{end}").status_code == 405

    assert status_of(wanted) == "inactive"


def test_an_operator_sees_who_but_no_buttons(operator: Client, deployer: Client) -> None:
    first, second = stored(), stored("max_retries = 1")
    activate(deployer, first)
    activate(deployer, second, replacing=first)

    assert "Switch back to" in deployer.get("/admin/deployments/").text
    assert "Switch back to" not in operator.get("/admin/deployments/").text
    assert "user:deployer" in operator.get("/admin/deployments/").text


def test_older_deployments_are_on_the_next_page(operator: Client) -> None:
    ids = [stored(f"max_retries = {number}", description=f"number {number}") for number in range(27)]

    first = operator.get("/admin/deployments/").text
    second = operator.get(f"/admin/deployments/?older_than={ids[2]}").text

    assert f"?older_than={ids[2]}" in first
    assert ids[1] not in first
    assert ids[1] in second
    assert ids[2] not in second


def test_the_menu_tells_that_a_deployment_waits_for_the_next_start(deployer: Client) -> None:
    wanted = stored()
    badge = '<span class="ob-menu-badge">1</span>'
    before = deployer.get("/admin/deployments/").text
    cache.clear()  # it is kept for a second

    activate(deployer, wanted, when="start")

    assert badge not in before
    assert badge in deployer.get("/admin/deployments/").text
