"""Tokens of the API: made, listed and revoked by who may."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from executions.access.scopes import Scope
from executions.access.tokens import find_token, issue_token
from executions.models import ApiToken

NEW = "/admin/tokens/new/"


def make(browser: Client, name: str = "billing", scopes: tuple[str, ...] = ("read",), days: str = "90") -> str:
    """Return the page that answers."""
    return browser.post(NEW, {"name": name, "scopes": scopes, "days": days}).text


def shown(page: str) -> str:
    found = re.search(r'id="token">(obelisk_[^<]+)<', page)
    assert found is not None
    return found[1]


def test_a_token_is_shown_once_and_works(operator: Client) -> None:
    text = shown(make(operator, scopes=("read", "submit")))

    token = find_token(text)
    assert token is not None
    assert token.granted == {Scope.READ, Scope.SUBMIT}
    assert token.created_by == User.objects.get(username="operator")
    page = operator.get("/admin/tokens/").text
    assert f"obelisk_{token.prefix}_…" in page
    assert text not in page
    assert LogEntry.objects.get().get_change_message() == "made, with read, submit"


@pytest.mark.parametrize(("role", "beyond"), [("operator", "deploy"), ("deployer", "operate"), ("deployer", "submit")])
def test_nobody_gives_a_token_more_than_they_may_do(client_of: Callable[[str], Client], role: str, beyond: str) -> None:
    browser = client_of(role)

    page = make(browser, scopes=("read", beyond))

    assert f'value="{beyond}"' not in browser.get(NEW).text
    assert "is not one of the available choices" in page
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "n" * 101}, "at most 100 characters"),
        ({"name": "a\0b"}, "Null characters are not allowed"),
        ({"scopes": ()}, "This field is required"),
        ({"days": "4"}, "is not one of the available choices"),
    ],
)
def test_what_can_be_no_token_is_told_and_nothing_is_made(
    operator: Client, fields: dict[str, object], sentence: str
) -> None:
    response = operator.post(NEW, {"name": "ci", "scopes": ["read"], "days": "7", **fields})

    assert response.status_code == 422
    assert sentence in response.text
    assert not ApiToken.objects.exists()


def test_a_page_that_is_loaded_again_makes_no_second_token(operator: Client) -> None:
    make(operator)

    assert "You have a token of this name" in make(operator)
    assert ApiToken.objects.count() == 1


def test_people_see_their_own_tokens_and_administrators_all(client_of: Callable[[str], Client]) -> None:
    operator, deployer, root = (client_of(role) for role in ("operator", "deployer", "superuser"))
    issue_token("by command", [Scope.READ])
    make(operator, "of-operator")
    make(deployer, "of-deployer")

    names = ("by command", "of-operator", "of-deployer")
    seen = {
        role: [name in browser.get("/admin/tokens/").text for name in names]
        for role, browser in (("operator", operator), ("deployer", deployer), ("root", root))
    }

    assert seen == {"operator": [False, True, False], "deployer": [False, False, True], "root": [True, True, True]}


def test_who_revokes_a_token_ends_it(client_of: Callable[[str], Client]) -> None:
    operator = client_of("operator")
    text = shown(make(operator))
    token = ApiToken.objects.get()
    path = f"/admin/tokens/{token.prefix}/revoke/"

    asked = operator.get(path)
    assert "will be let in any more" in asked.text
    assert find_token(text) is not None, "looking at the question changes nothing"
    response = operator.post(path, {"reason": "leaked"})

    assert response.headers["Location"] == "/admin/tokens/"
    assert find_token(text) is None
    assert LogEntry.objects.latest("pk").get_change_message() == "revoked: leaked"
    assert "Revoked" in operator.get("/admin/tokens/").text


def test_somebody_elses_token_is_revoked_by_administrators_only(client_of: Callable[[str], Client]) -> None:
    text = shown(make(client_of("operator")))
    path = f"/admin/tokens/{ApiToken.objects.get().prefix}/revoke/"

    assert client_of("deployer").post(path).status_code == 404
    assert find_token(text) is not None
    client_of("superuser").post(path)
    assert find_token(text) is None


def test_a_token_sleeps_while_its_maker_is_deactivated_and_ends_with_them(operator: Client) -> None:
    text = shown(make(operator))
    maker = User.objects.filter(username="operator")

    maker.update(is_active=False)
    assert find_token(text) is None
    maker.update(is_active=True)
    assert find_token(text) is not None
    maker.get().delete()
    assert find_token(text) is None


def test_older_tokens_are_on_the_next_page(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.tokens.listing.PAGE", 2)
    for number in range(3):
        make(operator, f"token-{number}")

    first = operator.get("/admin/tokens/").text
    older = re.search(r'href="(\?after=[0-9a-f]+)"', first)
    assert older is not None
    second = operator.get(f"/admin/tokens/{older[1]}").text

    assert [f"token-{number}" in first for number in range(3)] == [False, True, True]
    assert [f"token-{number}" in second for number in range(3)] == [True, False, False]
