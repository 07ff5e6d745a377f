"""Who sees which page, and who may carry out what: a test per cell."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from console.operating.actions import ACTIONS
from executions.access.scopes import ROLES as SCOPES_OF
from executions.access.scopes import Scope
from executions.journal.journal import SqlJournal
from executions.models import Event, OperationRecord
from tests.builders import make_created, make_execution_id, make_submit
from tests.console.conftest import ROLES
from tests.engine.journal.commits import commit

E1 = make_execution_id(1)
PAGES = [
    "",
    "?range=7d",
    "executions/",
    f"executions/{E1}/",
    f"executions/{E1}/timeline/",
    f"executions/{E1}/timeline/window/",
    f"executions/{E1}/events/",
    f"executions/{E1}/logs/",
    f"executions/{E1}/http/",
    f"executions/{E1}/responses/",
    f"executions/{E1}/children/",
    f"executions/{E1}/raw/",
    "go/?q=E_",
    "tasks/",
]


def scopes_of(role: str) -> set[Scope]:
    return set(Scope) if role == "superuser" else set(SCOPES_OF.get(role, ()))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", PAGES)
def test_pages(client_of: Callable[[str], Client], role: str, page: str) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created()))

    response = client_of(role).get(f"/admin/{page}")

    if role == "anonymous":
        assert (response.status_code, response.headers["Location"].partition("?")[0]) == (302, "/admin/login/")
    else:
        expected = {403} if Scope.READ not in scopes_of(role) else {200, 302}
        assert response.status_code in expected


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("key", list(ACTIONS))
def test_operations(client_of: Callable[[str], Client], role: str, key: str) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created()))
    before = Event.objects.count()
    path = f"/admin/executions/{E1}/do/{key}/"
    browser = client_of(role)

    shown, tried = browser.get(path), browser.post(path, {"seen": "another state"})

    if role == "anonymous":
        assert (shown.status_code, tried.status_code) == (302, 302)
    elif ACTIONS[key].scope in scopes_of(role):
        # Nobody has seen it in that state, or the form is not filled in.
        assert shown.status_code == 200
        assert tried.status_code in (409, 422)
    else:
        assert (shown.status_code, tried.status_code) == (403, 403)
    assert (Event.objects.count(), OperationRecord.objects.count()) == (before, 0)


def test_a_page_offers_what_may_be_done_and_nothing_else(client_of: Callable[[str], Client]) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created()))

    viewer, operator = (client_of(role).get(f"/admin/executions/{E1}/").text for role in ("viewer", "operator"))

    assert "/do/query/" in viewer
    assert "/do/pause/" not in viewer
    assert "/do/pause/" in operator
    assert "It is not paused." in operator, "an operation that is not possible says why"


def test_nothing_is_changed_without_the_token_of_the_form(client_of: Callable[[str], Client]) -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created()))
    browser = client_of("operator")
    browser.handler.enforce_csrf_checks = True

    assert browser.post(f"/admin/executions/{E1}/do/pause/", {"seen": "Pending"}).status_code == 403
    assert not Event.objects.filter(variant="paused").exists()
