"""What must never happen, on any page: a change by a link, a script of somebody else, a secret in sight."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from components.models import Component
from components.services import deploy
from console.executions.detail import TABS
from console.live.consumer import TOPICS
from console.live.messages import Sub
from executions.access.scopes import Scope
from executions.access.tokens import issue_token
from executions.journal.rows import created_of
from executions.models import ApiToken, Execution
from tests.components_app.builders import activity_table, make_wasm, workflow_table, write_deployment
from tests.console.crawling import contents, crawl
from tests.console.planted import ASKING, FAILED, RETRYING, TASK, plant
from tests.console.rights_table import TOPICS as WATCHED
from tests.console.submitting.test_submitting import filled
from tests.console.tasks.open_tasks import STUB
from tests.executions.deployments import declared

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\u202e\x01'\"&"
INERT = "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\u0001"
SECRET = "sk-live-5up3rs3cret"
_INPUTS = re.compile(r"<input[^>]*>|<textarea.*?</textarea>|<option.*?</option>", re.DOTALL)


def deploy_hostile(folder: Path) -> None:
    """Deploy what holds a text of somebody else wherever it can, and names a secret."""
    pay = make_wasm(exports={"test:pay/api": ["charge"]})
    flow = make_wasm(exports={"test:flow/api": ["run"]}, imports={"test:pay/api": ["charge"]})
    escaped = HOSTILE.replace("\\", "\\\\").replace('"', '\\"').replace("\x01", "\\u0001")
    toml = (
        activity_table(
            "pay",
            'allowed_host = [{ pattern = "psp.test", methods = ["POST"], secrets = ["PSP"], replace_in = ["headers"] }]'
            f'\nenv_vars = [{{ key = "HOSTILE", value = "{escaped}" }}]',
        )
        + workflow_table("flow")
        + f'[[activity_stub]]\nname = "refunds"\nffqn = "{STUB}"\nreturn_type = "result"\n'
        'params = [{ name = "order", type = "u64" }]\n' + declared("test:outside/api.ask")
    )
    deploy(write_deployment(folder, toml, pay=pay, flow=flow), description=HOSTILE)


@pytest.fixture
def root(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, client_of: Callable[[str], Client]
) -> Client:
    """The browser of an administrator, on a site full of what others brought in."""
    monkeypatch.setenv("PSP_KEY", SECRET)
    operator = tmp_path / "server.toml"
    operator.write_text('[secrets]\nPSP = { env = "PSP_KEY" }\n')
    settings.OBELISK_SERVER_CONFIG = str(operator)
    deploy_hostile(tmp_path)
    plant(HOSTILE, said=HOSTILE)
    person = User.objects.create(username=HOSTILE, first_name=HOSTILE, is_staff=True)
    Group.objects.create(name=HOSTILE)
    issue_token(HOSTILE, [Scope.READ], created_by=person.pk)
    return client_of("superuser")


def test_looking_changes_nothing_and_shows_no_script_and_no_secret(root: Client) -> None:
    token, text = issue_token("ci", [Scope.READ])
    root.get("/admin/")  # the session is noted
    before = contents()

    pages = crawl(root)

    assert contents() == before
    for execution_id in (FAILED, RETRYING, ASKING, TASK):
        assert f"/admin/executions/{execution_id}/events/" in pages
    assert {"/admin/audit/", "/admin/tokens/", "/admin/storage/", "/admin/auth/user/"} <= pages.keys()
    for path, found in pages.items():
        assert not found.is_page or "<script>alert" not in found.text, path
        for secret in (SECRET, site_settings.SECRET_KEY, text, token.digest):
            assert secret not in found.text, path


def frames() -> list[str]:
    """Return the HTML of the first frame of every topic, of an execution with every tab, about all that was planted."""
    planted = [FAILED, RETRYING, ASKING, TASK]
    subscriptions = [
        Sub(topic=topic, **{**about, "keys": planted} if topic in ("executions", "tasks") else about)
        for topic, about in WATCHED.items()
    ]
    subscriptions += [Sub(topic="execution", subject=target, view=tab.url_name) for target in planted for tab in TABS]
    updates = [TOPICS[each.topic](each).read({}, hidden=False) for each in subscriptions]
    found = [update for update in updates if update is not None]
    return [html for each in found for html in (*each.regions.values(), *(row.html for row in each.rows))]


def test_frames_hold_no_script_and_no_secret(root: Client) -> None:
    token, text = issue_token("ci", [Scope.READ])

    told = frames()

    assert any(INERT in html for html in told)
    for html in told:
        assert "<script>alert" not in html
        assert not re.search("[\u202a-\u202e\x01]", html)
        for secret in (SECRET, site_settings.SECRET_KEY, text, token.digest):
            assert secret not in html


def test_texts_of_others_are_inert_and_visible(root: Client) -> None:
    component = Component.objects.get(name="pay").digest
    where = [
        f"executions/{FAILED}/",
        f"executions/{FAILED}/events/",
        f"executions/{FAILED}/logs/",
        f"executions/{FAILED}/http/",
        f"executions/{RETRYING}/",
        "executions/",
        "audit/",
        "tokens/",
        "deployments/",
        f"components/{component}/access/",
        f"tasks/{TASK}/",
        "tasks/",
        "schedules/",
        f"tokens/{ApiToken.objects.latest('pk').prefix}/revoke/",
    ]

    for path in where:
        page = _INPUTS.sub("", root.get(f"/admin/{path}").text)
        assert INERT in page or INERT.replace("\\u", "\\\\u") in page, path
        assert not re.search("[\u202a-\u202e\x01]", page), path


@pytest.mark.parametrize("number", ["18446744073709551615", "9007199254740993"])
def test_a_large_number_is_shown_copied_and_submitted_again_to_the_last_digit(
    operator: Client, tmp_path: Path, number: str
) -> None:
    toml = '[[activity_external]]\nffqn = "test:big/api.keep"\nreturn_type = "result"\n'
    deploy(write_deployment(tmp_path, toml + 'params = [{ name = "number", type = "u64" }]\n'))
    path, first = "/admin/submit/test:big/api.keep/", "E_01M7ZC2FGFMHV064NV0C5GG0Q0"
    form: dict[str, Any] = filled(operator.get(path).text)
    for name in [name for name in form if name.startswith("params[1]")]:
        del form[name]

    operator.post(path, {**form, "params[0]": number})
    copied = operator.get(f"{path}?from={first}").text
    operator.post(path, {**form, "params[0]": number, "execution_id": "E_01M7ZC2FGFMHV064NV0C5GG0Q1"})

    assert f">{number}<" in operator.get(f"/admin/executions/{first}/").text
    assert f'value="{number}"' in copied
    assert [created_of(row.events.get(version=0).payload).params for row in Execution.objects.all()] == [
        f"[{number}]"
    ] * 2
