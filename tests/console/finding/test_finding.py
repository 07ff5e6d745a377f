"""Going to what is pasted or typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from components.models import Component, Deployment
from engine.log.ids import child_id, delay_id, named_join_set
from executions.journal.journal import SqlJournal
from executions.models import Execution, ExecutorHeartbeat
from executions.operations.pausing import pause
from tests.builders import NOW, make_created, make_execution_id, make_submit
from tests.engine.journal.commits import commit
from tests.executions.deployments import ADD, deploy_declared

E1, E2 = make_execution_id(1), make_execution_id(2)
EXECUTOR = f"Exr_{E1[2:]}"


@pytest.fixture
def filled(db: None, tmp_path: Path) -> None:
    """A deployment, two executions, and an executor."""
    deploy_declared(tmp_path)
    commit(SqlJournal.for_current_connection(), *(make_submit(each, make_created()) for each in (E1, E2)))
    ExecutorHeartbeat.objects.create(
        executor_id=EXECUTOR, host="web-7", pid=1, started_at=NOW, seen_at=NOW, slots=1, running=0
    )


def go(browser: Client, text: str) -> str:
    """Return where a text leads, or the page that says why it leads nowhere."""
    response = browser.get("/admin/go/", {"q": text})
    return str(response.headers.get("Location", response.text))


pytestmark = pytest.mark.usefixtures("filled")


@pytest.mark.parametrize("text", [E1, E1.lower(), f"  {E1} ", f"\0{E1}"])
def test_an_execution_by_its_id_however_it_is_typed(operator: Client, text: str) -> None:
    assert go(operator, text) == f"/admin/executions/{E1}/"


def test_an_address_does_as_well(operator: Client) -> None:
    assert operator.get(f"/admin/go/{E1}/").headers["Location"] == f"/admin/executions/{E1}/"


def test_the_beginning_of_one_id_leads_to_it_and_of_several_to_a_list(operator: Client) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(make_execution_id(77), make_created()))

    assert go(operator, make_execution_id(77)[:27]) == f"/admin/executions/{make_execution_id(77)}/"
    page = go(operator, E1[:20])
    assert f'href="/admin/executions/{E1}/"' in page
    assert f'href="/admin/executions/{E2}/"' in page


def test_a_join_set_and_a_delay_by_their_ids(operator: Client) -> None:
    join_set = named_join_set("a/b")
    delay = delay_id(E1, join_set, 3)

    assert go(operator, delay) == f"/admin/executions/{E1}/"
    member = child_id(E1, join_set, 1)
    assert go(operator, member.rpartition("_")[0]) == (
        f"/admin/executions/?execution_id_prefix={E1}.n%3Aa%2Fb_&parent={E1}"
    )


def test_a_deployment_and_a_component(operator: Client) -> None:
    deployment, component = Deployment.objects.get(), Component.objects.get(name="adder")

    assert go(operator, deployment.pk[:-2].lower()) == f"/admin/deployments/{deployment.pk}/"
    assert go(operator, component.digest).startswith("/admin/components/sha256:")
    assert go(operator, component.digest.removeprefix("sha256:")[:12]).startswith("/admin/components/sha256:")
    assert go(operator, "adder").startswith("/admin/components/sha256:")


def test_functions_and_interfaces(operator: Client) -> None:
    assert go(operator, ADD) == f"/admin/wit/test:adder/api/#{ADD}"
    assert go(operator, "test:adder/api") == "/admin/wit/test:adder/api/"
    assert f'href="/admin/wit/test:adder/human/#{"test:adder/human.approve"}"' in go(operator, "a")


def test_executors_by_id_and_by_host(operator: Client) -> None:
    url = f"/admin/executors/#executor-{EXECUTOR}"

    assert go(operator, EXECUTOR) == url
    assert go(operator, "web-7") == url


def test_people_are_found_by_superusers_only(client_of: Callable[[str], Client]) -> None:
    operator, root = client_of("operator"), client_of("superuser")
    ann = User.objects.create_user("ann-lee")

    assert go(root, "ann-lee") == f"/admin/auth/user/{ann.pk}/change/"
    assert "Nothing is called" in go(operator, "ann-lee")


def test_what_is_nothing_is_said_to_be_nothing(operator: Client) -> None:
    response = operator.get("/admin/go/", {"q": "<script>\u202e"})

    assert response.status_code == 404
    assert "Nothing is called “&lt;script&gt;\\u202e”" in response.text


def test_the_quick_search_tells_the_truth_about_what_changes(operator: Client) -> None:
    def shown() -> str:
        return operator.get("/admin/search/", {"s": E1}).text

    assert "Pending" in shown()
    pause(E1)
    assert "Paused" in shown()
    Execution.objects.filter(pk=E1).update(lifecycle="cancelling", due_at=timezone.now())
    assert "Cancelling" in shown()


def test_whoever_may_not_look_finds_nothing(client_of: Callable[[str], Client]) -> None:
    stranger = client_of("stranger")

    assert not re.search("option", stranger.get("/admin/search/", {"s": E1}).text)
    assert stranger.get(f"/admin/go/{E1}/").status_code == 403
