"""Who may do what: tokens, sessions, scopes, groups, and how often."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, get_resolver
from pytest_django import Settings

from engine.log import events as e
from engine.log.return_values import Failed, FailureKind
from executions.access.scopes import ROLES, Insight, Scope
from executions.access.tokens import issue_token, revoke_token
from executions.api import urls
from executions.api.views import ApiView, NoSuchEndpoint
from executions.journal.journal import SqlJournal
from executions.models import ApiToken
from tests.builders import make_created, make_execution_id, make_submit
from tests.engine.journal.commits import commit
from tests.executions.api.clients import Api
from tests.executions.deployments import ADD, deploy_declared

pytestmark = pytest.mark.django_db


# --- Tokens -----------------------------------------------------------------------------------------------------------


def test_without_a_token_the_answer_is_obelisks() -> None:
    answer = Api(token="").get("executions", Accept="*/*")

    assert (answer.status, answer.text) == (401, "missing or invalid API token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_who_asks_for_json_gets_a_problem() -> None:
    answer = Api(token="").get("executions")

    assert answer.code == "unauthenticated"
    assert answer.json["err"] == "missing or invalid API token"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Basic eDp5", "", "Bearer obelisk_\0"])
def test_a_header_that_holds_no_token_is_refused(header: str) -> None:
    answer = Api(token="").get("executions", Authorization=header)

    assert answer.status == 401


def test_a_revoked_token_is_refused() -> None:
    token, text = issue_token("ci", [Scope.READ])
    revoke_token(token.prefix)

    assert Api(token=text).get("executions").status == 401


def test_a_refused_token_is_not_made_up_for_by_a_session(admin_client: Client) -> None:
    answer = admin_client.get("/v1/executions", headers={"Authorization": "Bearer x"})

    assert answer.status_code == 401


def test_unknown_paths_are_told_to_nobody_without_a_token() -> None:
    assert Api(token="").get("nowhere").status == 401


# --- Scopes -----------------------------------------------------------------------------------------------------------


def views() -> list[tuple[str, type[ApiView]]]:
    found: list[tuple[str, type[ApiView]]] = []
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        view: Any = pattern.callback
        found.append((str(pattern.pattern), view.cls))
    # What describes the API may be read by anybody.
    return [(path, view) for path, view in found if view.authentication_classes]


@pytest.mark.parametrize(("path", "view"), views())
def test_every_method_of_every_endpoint_names_its_scope(path: str, view: type[ApiView]) -> None:
    methods = {name.upper() for name in view.http_method_names if name != "head" and hasattr(view, name)}

    assert view.scopes.keys() == methods


def test_a_token_without_the_scope_is_refused() -> None:
    answer = Api([Scope.SUBMIT, Scope.OPERATE, Scope.DEPLOY]).get("executions")

    assert (answer.status, answer.code) == (403, "missing_scope")
    assert answer.json["detail"] == "this needs the scope read"


def test_scopes_that_nobody_knows_any_more_allow_nothing() -> None:
    token, text = issue_token("old", [Scope.READ])
    ApiToken.objects.filter(pk=token.pk).update(scopes=["read-all", 7])

    assert Api(token=text).get("executions").status == 403


# --- People -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROLES)
def test_the_groups_are_there_with_what_their_members_may_do(name: str) -> None:
    user = User.objects.create_user("ann")
    user.groups.add(Group.objects.get(name=name))

    rights = {right for right in (*Scope, *Insight) if user.has_perm(f"executions.{right.codename}")}
    assert rights == set(ROLES[name])


def test_a_viewer_reads_with_a_session(client: Client) -> None:
    user = User.objects.create_user("ann")
    user.groups.add(Group.objects.get(name="viewer"))
    client.force_login(user)

    assert client.get("/v1/executions").status_code == 200


@pytest.mark.parametrize(("path", "view"), views())
def test_people_who_see_no_values_are_refused_what_shows_some(client: Client, path: str, view: type[ApiView]) -> None:
    user = User.objects.create_user("ann")
    user.groups.add(*Group.objects.all())
    insights = [insight.codename for insight in Insight]
    for group in Group.objects.all():
        group.permissions.remove(*Permission.objects.filter(codename__in=insights))
    client.force_login(user)

    for method, insight in view.insights.items():
        answer = client.generic(method, re.sub(r"<[^>]*>", "E_1", f"/v1/{path}"))

        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
        assert insight.codename in answer.json()["detail"]


def test_what_shows_values_is_known() -> None:
    showing = {view.__name__ for _, view in views() if Insight.PAYLOAD in view.insights.values()}
    sources = {view.__name__ for _, view in views() if Insight.SOURCE in view.insights.values()}

    assert showing == {
        "AdvanceView",
        "DeploymentRehearsalView",
        "EventsView",
        "ForkView",
        "HttpExchangesView",
        "LocalsView",
        "LogsView",
        "QueryView",
        "ReplayView",
        "ResponsesView",
        "ResultView",
        "StreamView",
        "UpgradeView",
    }
    assert sources == {"BacktraceSourceView", "DeploymentView", "FileView"}


@pytest.mark.parametrize("how", [{"Prefer": "wait=1"}, {}])
def test_who_sees_no_values_starts_without_waiting_for_the_result(client: Client, how: dict[str, str]) -> None:
    user = User.objects.create_user("ann")
    user.user_permissions.add(Permission.objects.get(codename="api_submit"))
    client.force_login(user)
    path = "/v1/executions" if how else "/v1/executions?follow=true"

    answer = client.post(path, {"ffqn": "a:b/c.d", "params": []}, content_type="application/json", headers=how)

    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_the_old_parameters_are_not_quoted_to_who_sees_no_values(client: Client, tmp_path: Path) -> None:
    deploy_declared(tmp_path)
    old = make_execution_id(1)
    finished = e.Finished(retval=Failed(kind=FailureKind.TIMED_OUT))
    created = make_created(ffqn=ADD, params='["Zebra",[]]')
    commit(SqlJournal.for_current_connection(), make_submit(old, created, finished))
    user = User.objects.create_user("ann")
    user.user_permissions.add(Permission.objects.get(codename="api_submit"))
    client.force_login(user)

    refused = client.post(f"/v1/executions/{old}/retry").json()

    assert refused["code"] == "invalid_call"
    assert "Zebra" not in str(refused)
    assert "Zebra" in str(Api([Scope.SUBMIT]).post(f"executions/{old}/retry", None).json)


def test_what_changes_something_needs_the_sessions_csrf_token() -> None:
    user = User.objects.create_user("ann")
    user.groups.add(Group.objects.get(name="operator"))
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    path = "/v1/executions/E_01KBNHM5FQW81KP5Y3XMNX31K4/cancel"

    refused = browser.put(path)
    browser.cookies["csrftoken"] = token = "t" * 32
    allowed = browser.put(path, headers={"X-CSRFToken": token})

    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert (allowed.status_code, allowed.json()["code"]) == (404, "execution_not_found")
    assert browser.get("/v1/executions").status_code == 200


def test_somebody_in_no_group_may_do_nothing(client: Client) -> None:
    client.force_login(User.objects.create_user("ann"))

    answer = client.get("/v1/executions")

    assert answer.status_code == 403
    assert answer.json()["code"] == "missing_scope"


# --- How often --------------------------------------------------------------------------------------------------------


def test_who_asks_too_often_is_told_when_to_come_back(settings: Settings) -> None:
    settings.OBELISK_API_RATE = 2
    # Tests before this one may have had tokens of the same numbers.
    cache.clear()
    api, other = Api(), Api()

    # A minute may end meanwhile, which forgives once.
    answers = [api.get("functions") for _ in range(6)]
    refused = next(answer for answer in answers if answer.status != 200)

    assert answers.index(refused) >= 2
    assert refused.code == "throttled"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert other.get("functions").status == 200


def test_zero_means_as_often_as_one_likes(settings: Settings) -> None:
    settings.OBELISK_API_RATE = 0

    assert {Api().get("functions").status for _ in range(5)} == {200}


def test_the_rest_of_v1_is_answered_by_the_api() -> None:
    match = get_resolver().resolve("/v1/nowhere/at/all")

    assert getattr(match.func, "cls", None) is NoSuchEndpoint
