"""Pages of components and WIT, of deployments that are stored for real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from components.models import Component, Deployment
from components.services import deploy, prepare, store_inactive
from executions.access.scopes import ROLES as SCOPES_OF
from executions.access.scopes import Scope
from tests.components_app.builders import activity_table, make_wasm, workflow_table, write_deployment
from tests.console.conftest import ROLES

PAY = make_wasm(exports={"test:pay/api": ["charge"]})
FLOW = make_wasm(exports={"test:flow/api": ["run"]}, imports={"test:pay/api": ["charge"]})
LONG = "a-name-of-a-component-that-is-rather-long-" * 3
HOSTILE = "<script>alert(1)</script>\u202e"
TOML = (
    activity_table(
        "pay",
        'allowed_host = [{ pattern = "psp.test", methods = ["POST"], secrets = ["PSP"], replace_in = ["headers"] }]\n'
        f'env_vars = [{{ key = "HOSTILE", value = "{HOSTILE}" }}]\nlimits.memory_mib = 64',
    )
    + workflow_table("flow")
    + f'[[activity_external]]\nname = "{LONG}"\nffqn = "test:outside/api.ask"\n'
    'params = [{ name = "order", type = "record { secret-field: u64 }" }]\n'
    '[[cron]]\nname = "nightly"\nffqn = "test:flow/api.run"\nschedule = "0 2 * * *"\nparams = "[]"\n'
)


@pytest.fixture
def deployment(tmp_path: Path, db: None, settings: Settings) -> Deployment:
    operator = tmp_path / "server.toml"
    operator.write_text('[secrets]\nPSP = { env = "PSP_KEY" }\n')
    settings.OBELISK_SERVER_CONFIG = str(operator)
    return deploy(write_deployment(tmp_path, TOML, pay=PAY, flow=FLOW), description=HOSTILE).deployment


def text_of(client: Client, path: str, *, status: int = 200) -> str:
    response = client.get(f"/admin/{path}")
    assert response.status_code == status, response.content
    return str(response.text)


def digest_of(name: str) -> str:
    return Component.objects.get(name=name).digest


@pytest.mark.parametrize("role", ROLES)
def test_whoever_may_read_sees_the_pages(client_of: Callable[[str], Client], deployment: Deployment, role: str) -> None:
    browser = client_of(role)
    component = f"components/{digest_of('pay')}/"
    pages = ["components/", component, f"{component}wit/", f"{component}source/", f"{component}access/", "wit/"]
    pages += ["wit/test:pay/api/", "deployments/", f"deployments/{deployment.pk}/"]
    pages += [f"deployments/{deployment.pk}/rehearsal/", f"deployments/{deployment.pk}..{deployment.pk}/"]
    may_read = role == "superuser" or Scope.READ in SCOPES_OF.get(role, ())

    statuses = {browser.get(f"/admin/{page}").status_code for page in pages}

    assert statuses == ({302} if role == "anonymous" else {200} if may_read else {403})


def test_the_list_says_who_satisfies_what(operator: Client, deployment: Deployment) -> None:
    page = text_of(operator, "components/")

    assert "test:pay/api" in page
    assert '<a href="/admin/wit/test:pay/api/#test:pay/api.charge">' in page
    assert '<span class="ob-good" title="satisfied">✓</span>' in page
    assert "psp.test" in page
    assert "0 2 * * * UTC: test:flow/api.run" in page
    assert LONG in page


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("kind=workflow", "flow", "pay"),
        ("q=charge", "pay", LONG),
        ("q=SECRET-field", LONG, "nightly"),
    ],
)
def test_the_list_is_narrowed_down(
    operator: Client, deployment: Deployment, query: str, shown: str, hidden: str
) -> None:
    page = text_of(operator, f"components/?{query}")

    assert f">{shown}</a>" in page
    assert f">{hidden}</a><br>" not in page


def test_an_import_that_nobody_satisfies_is_shown(operator: Client, deployment: Deployment) -> None:
    Component.objects.get(name="pay").delete()

    assert "✕ nobody" in text_of(operator, "components/")
    assert "✕ nobody" in text_of(operator, f"components/{digest_of('flow')}/")


def test_limits_hosts_and_secrets_are_told_by_name(
    operator: Client, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSP_KEY", "the-value-of-the-secret")

    page = text_of(operator, f"components/{digest_of('pay')}/access/")

    assert "sent to psp.test in headers" in page
    assert "declared by the operator" in page
    assert "64 MiB" in page
    assert "the-value-of-the-secret" not in page
    assert "<script>alert(1)" not in page
    assert "\u202e" not in page
    assert "\\u202e" in page


def test_wit_links_its_names_and_can_hold_what_is_generated(operator: Client, deployment: Deployment) -> None:
    path = f"components/{digest_of('flow')}/wit/"

    assert '<a class="nn" href="/admin/wit/test:pay/api/">test:pay/api</a>' in text_of(operator, path)
    assert "run-schedule" not in text_of(operator, path)
    assert "run-schedule" in text_of(operator, f"{path}?companions=on")


def test_an_interfaces_page_says_who_exports_and_who_imports_it(operator: Client, deployment: Deployment) -> None:
    page = text_of(operator, "wit/test:pay/api/")

    assert 'id="test:pay/api.charge"' in page
    assert page.count(">pay</a>") == 2
    assert ">flow</a>" in page
    assert "Generated for" in text_of(operator, "wit/test:pay-obelisk-ext/api/")
    assert 'id="obelisk:types/execution@5.0.0.execution-id"' in text_of(operator, "wit/obelisk:types/execution@5.0.0/")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("wit/test:none/api/", "The deployment has no interface test:none/api."),
        ("wit/nonsense/", "missing namespace separator"),
        ("components/sha256:none/", "There is no component with the digest sha256:none."),
        ("components/?deployment=Dep_none", "There is no deployment Dep_none."),
        ("components/?deployment=%00", "There is no deployment"),
        (f"deployments/Dep_{'0' * 26}/", "it may have been deleted"),
    ],
)
def test_what_is_not_there_is_said(operator: Client, deployment: Deployment, path: str, why: str) -> None:
    assert why in text_of(operator, path, status=404)


def test_source_is_shown_with_lines(operator: Client, tmp_path: Path) -> None:
    from tests.executions.scripts import write_scripts

    deploy(write_scripts(tmp_path))
    path = f"components/{digest_of('flows.sum')}/source/"

    page = text_of(operator, path)

    assert 'id="L2"' in page
    assert '<span class="kr">import</span>' in page or '<span class="k">import</span>' in page
    assert "There is no such file" in text_of(operator, f"{path}?path=other.js", status=404)


def test_a_binary_has_no_source_to_show(operator: Client, deployment: Deployment) -> None:
    assert "It was compiled elsewhere" in text_of(operator, f"components/{digest_of('pay')}/source/")
    assert "It is no text." in text_of(operator, f"components/{digest_of('pay')}/source/?path=pay.wasm")


def test_another_deployment_is_looked_at_by_its_id(operator: Client, deployment: Deployment, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stored, _ = store_inactive(prepare(write_deployment(other, activity_table("pay"), pay=PAY)))

    page = text_of(operator, f"components/?deployment={stored.pk}")

    assert "which is inactive" in page
    assert f'href="/admin/components/{digest_of_pay(stored)}/?deployment={stored.pk}"' in page
    both = text_of(operator, f"components/{digest_of_pay(stored)}/")
    assert "Also part of" in both
    assert stored.pk in both


def test_a_component_of_an_older_deployment_is_found_by_its_digest(
    operator: Client, deployment: Deployment, tmp_path: Path
) -> None:
    digest = digest_of("flow")
    later = tmp_path / "later"
    later.mkdir()
    deploy(write_deployment(later, activity_table("pay"), pay=PAY))

    page = text_of(operator, f"components/{digest}/")

    assert f'href="/admin/components/{digest}/wit/?deployment={deployment.pk}"' in page
    assert "There is no component" in text_of(
        operator, f"components/{digest}/?deployment={Deployment.objects.active().get().pk}", status=404
    )


def digest_of_pay(deployment: Deployment) -> str:
    return deployment.components.get(name="pay").digest


def test_what_another_version_stored_is_said_to_be_unreadable(operator: Client, deployment: Deployment) -> None:
    digest = digest_of("pay")
    Component.objects.filter(name="pay").update(config={"version": 99}, imports={"version": 99})

    for path in ("components/", f"components/{digest}/", f"components/{digest}/access/", "wit/", "wit/test:pay/api/"):
        assert "not of version 1" in text_of(operator, path, status=503)


def test_before_anything_is_deployed_the_pages_say_what_to_do(operator: Client) -> None:
    for path in ("components/", "wit/", "deployments/"):
        assert "manage.py deploy" in text_of(operator, path)


def test_two_hundred_components_take_no_more_queries(operator: Client, tmp_path: Path) -> None:
    toml = "".join(f'[[activity_external]]\nffqn = "test:many/api.f{number}"\n' for number in range(200))
    deploy(write_deployment(tmp_path, toml))

    with CaptureQueriesContext(connection) as queries:
        page = text_of(operator, "components/")

    assert page.count("<tr>") >= 201  # the head, too, and the site's own activities
    assert len(queries) <= 30  # those of the badges in the menu, which are kept for a moment, among them
