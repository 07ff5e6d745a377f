"""Who sees which page, who may carry out what, and who may watch: a test per cell of `tests.console.rights_table`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, reverse

from console.live.consumer import TOPICS
from console.operating.actions import ACTIONS
from console.urls import console_urls
from executions.access.scopes import Insight, Right, Scope
from executions.journal.journal import SqlJournal
from executions.models import Event, OperationRecord
from tests.builders import make_created, make_submit
from tests.console.conftest import EVERYBODY, rights_of
from tests.console.live.test_consumer import Page
from tests.console.rights_table import E1, OPERATIONS, PAGES, SAMPLES, Besides
from tests.console.rights_table import TOPICS as WATCHED
from tests.engine.journal.commits import commit

PATTERNS = {str(pattern.name): pattern for pattern in console_urls(admin.site)}


def may(role: str, needed: tuple[Right | Besides, ...]) -> bool:
    rights: set[Right | Besides] = set(rights_of(role))
    if rights & {Scope.OPERATE, Scope.DEPLOY} and rights.issuperset(Insight):
        rights.add(Besides.TOKENS)
    if role == "superuser":
        rights.add(Besides.ADMINISTER)
    return rights.issuperset(needed)


def address_of(pattern: URLPattern) -> str:
    return reverse(f"admin:{pattern.name}", kwargs={name: SAMPLES[name] for name in pattern.pattern.converters})


def submit_one() -> None:
    commit(SqlJournal.for_current_connection(), make_submit(E1, make_created()))


def test_every_page_operation_and_topic_is_in_the_table() -> None:
    assert PATTERNS.keys() == PAGES.keys()
    assert ACTIONS.keys() == OPERATIONS.keys()
    assert TOPICS.keys() == WATCHED.keys()


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("name", PAGES)
def test_pages(client_of: Callable[[str], Client], role: str, name: str) -> None:
    submit_one()
    browser, path, needs = client_of(role), address_of(PATTERNS[name]), PAGES[name]

    shown = browser.get(path)
    tried = browser.post(path, needs.sent or {})

    if role == "anonymous":
        for response in (shown, tried):
            assert (response.status_code, response.headers["Location"].partition("?")[0]) == (302, "/admin/login/")
    else:
        # What somebody may see need not be there.
        assert (shown.status_code != 403) == may(role, needs.see)
        assert (tried.status_code != 403) == may(role, needs.see if needs.do is None else needs.do)
    assert (Event.objects.count(), OperationRecord.objects.count()) == (1, 0)


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("key", OPERATIONS)
def test_operations(client_of: Callable[[str], Client], role: str, key: str) -> None:
    submit_one()
    path = f"/admin/executions/{E1}/do/{key}/"
    browser = client_of(role)

    shown, tried = browser.get(path), browser.post(path, {"seen": "another state"})

    if role == "anonymous":
        assert (shown.status_code, tried.status_code) == (302, 302)
    elif may(role, (OPERATIONS[key],)):
        # Nobody has seen it in that state, or the form is not filled in.
        assert shown.status_code == 200
        assert tried.status_code in (409, 422)
    else:
        assert (shown.status_code, tried.status_code) == (403, 403)
    assert (Event.objects.count(), OperationRecord.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("topic", WATCHED)
def test_topics(client_of: Callable[[str], Client], role: str, topic: str) -> None:
    submit_one()
    browser = client_of(role)

    async def watch() -> dict[str, object]:
        async with Page(None if role == "anonymous" else browser) as page:
            greeting = await page.hear()
            if greeting["t"] != "hello":
                return greeting
            await page.say(t="sub", topic=topic, **WATCHED[topic])
            return await page.hear()

    heard = async_to_sync(watch)()

    if may(role, PAGES["console_executions"].see):
        assert heard["t"] == "frame"
    else:
        assert (heard["t"], heard["why"]) == ("bye", "You are not logged in, or may not see this.")


def test_roles_add_up() -> None:
    both = rights_of("operator and deployer")

    assert both == rights_of("operator") | rights_of("deployer")
    assert not rights_of("deployer") >= rights_of("operator")
    assert set(Insight) <= both


def test_a_page_offers_what_may_be_done_and_nothing_else(client_of: Callable[[str], Client]) -> None:
    submit_one()

    viewer, operator = (client_of(role).get(f"/admin/executions/{E1}/").text for role in ("viewer", "operator"))

    assert "/do/query/" in viewer
    assert "/do/pause/" not in viewer
    assert "/do/pause/" in operator
    assert "It is not paused." in operator, "an operation that is not possible says why"


def test_nothing_is_changed_without_the_token_of_the_form(client_of: Callable[[str], Client]) -> None:
    submit_one()
    browser = client_of("operator")
    browser.handler.enforce_csrf_checks = True

    assert browser.post(f"/admin/executions/{E1}/do/pause/", {"seen": "Pending"}).status_code == 403
    assert not Event.objects.filter(variant="paused").exists()
