"""People who ask the API with their session, and how often anybody may ask, at a real server."""

from __future__ import annotations

import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from executions.access.scopes import ROLES, Scope
from tests.acceptance.api_client import PATIENCE_S
from tests.acceptance.workshops import Workshop, workshop
from tests.harness.components import ADD

RATE = 60
PASSWORD = "a password for tests"
ABSENT = "executions/E_01KBNHM5FQW81KP5Y3XMNX31K4"
ASKED_FOR = {
    Scope.READ: ("GET", "executions", None, 200),
    Scope.SUBMIT: ("POST", "executions", {"ffqn": ADD, "params": [1, 2]}, 201),
    Scope.OPERATE: ("PUT", f"{ABSENT}/cancel", None, 404),
    Scope.DEPLOY: ("PUT", "deployments/Dep_01KBNHM5FQW81KP5Y3XMNX31K4/switch", {"apply": True}, 404),
}
"""A request that needs each scope, and how it is answered to whoever has it."""
_MAKE_PEOPLE = f"""
import json
from django.contrib.auth.models import Group, User
for name in ("viewer", "operator", "deployer", "nobody"):
    user = User.objects.create_user(name, password={PASSWORD!r}, is_staff=True)
    user.groups.set(Group.objects.filter(name=name))
print(json.dumps(True))
"""


_ANYBODYS = "/admin/password_change/"
"""A page for everybody who may log in."""


class Browser:
    """A person's browser, who is logged in."""

    def __init__(self, shop: Workshop, name: str) -> None:
        self._base = f"http://127.0.0.1:{shop.client.port}"
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        login = f"{self._base}/admin/login/"
        self._opener.open(login, timeout=PATIENCE_S).close()
        form = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": self.csrf_token, "next": _ANYBODYS}
        self._opener.open(login, urllib.parse.urlencode(form).encode(), timeout=PATIENCE_S).close()

    @property
    def csrf_token(self) -> str:
        return next(cookie.value or "" for cookie in self._cookies if cookie.name == "csrftoken")

    def send(self, method: str, path: str, body: object = None, *, csrf: bool = True) -> tuple[int, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Referer": self._base}
        headers |= {"X-CSRFToken": self.csrf_token} if csrf else {}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._base}/v1/{path}", content, headers, method=method)
        try:
            with self._opener.open(request, timeout=PATIENCE_S) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("people"), settings={"OBELISK_API_RATE": str(RATE)}) as served:
        served.site.python(_MAKE_PEOPLE)
        yield served


@pytest.mark.parametrize("name", ["viewer", "operator", "deployer", "nobody"])
def test_people_may_do_what_their_group_may(shop: Workshop, name: str) -> None:
    browser = Browser(shop, name)

    for scope, (method, path, body, status) in ASKED_FOR.items():
        answered, document = browser.send(method, path, body)
        if scope in ROLES.get(name, ()):
            assert answered == status, document
        else:
            assert (answered, document["code"]) == (403, "missing_scope")


def test_a_page_of_somebody_else_cannot_change_anything_with_a_session(shop: Workshop) -> None:
    browser = Browser(shop, "deployer")
    before = shop.contents()

    for method, path, body, _ in ASKED_FOR.values():
        if method != "GET":
            status, document = browser.send(method, path, body, csrf=False)
            assert (status, document["code"]) == (403, "csrf_failed")

    assert shop.contents() == before


def test_who_asks_too_often_is_told_when_to_come_back(shop: Workshop) -> None:
    browser = Browser(shop, "viewer")
    # A minute may end meanwhile, which forgives once.
    replies = (shop.client.ask("GET", "execution-id") for _ in range(2 * RATE + 1))

    refused = next(reply for reply in replies if reply.status != 200)

    assert refused.problem[:2] == (429, "throttled")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert browser.send("GET", "execution-id")[0] == 200  # it is counted for each by themselves
