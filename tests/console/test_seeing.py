"""Who may not see values, or source, finds none: on no page, in no frame, in no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from components.models import Blob, Component, ComponentFile, Deployment, FileRole
from console.deployments.differences import text_diff
from console.live import consumer
from console.seeing import NOTHING, payload, payload_about, payload_url, showing, shows
from console.urls import console_urls
from executions.access.scopes import Insight
from tests.console.live.test_consumer import Page, in_thread
from tests.console.planted import ASKING, FAILED, RETRYING, TASK, plant
from tests.console.rights_table import SAMPLES
from tests.console.tasks.open_tasks import deploy_stub

WORD = "Zebra7Q"
_WITH_VALUES = {
    "console_executions",
    "console_execution",
    "console_events",
    "console_logs",
    "console_http",
    "console_timeline_window",
    "console_events_rows",
    "console_event",
    "console_value",
    "console_logs_rows",
    "console_http_rows",
    "console_raw",
    "console_raw_part",
    "console_raw_file",
    "console_tasks",
    "console_task",
}


def pages() -> Iterator[tuple[str, str]]:
    """Every page with its address; those of executions for each that was planted."""
    for pattern in console_urls(admin.site):
        kwargs = {name: SAMPLES[name] for name in pattern.pattern.converters}
        for execution_id in (FAILED, RETRYING, ASKING, TASK) if "execution_id" in kwargs else ("",):
            told = {**kwargs, "execution_id": execution_id} if execution_id else kwargs
            yield str(pattern.name), reverse(f"admin:{pattern.name}", kwargs=told)


@pytest.fixture
def planted(tmp_path: Path, db: None) -> None:
    deploy_stub(tmp_path)
    plant(WORD)


def content(client: Client, path: str) -> str:
    response: Any = client.get(path, follow=True)
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return str(body.decode())


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("role", ["blind viewer", "blind operator"])
def test_no_page_shows_a_value_to_who_may_not_see_it(client_of: Callable[[str], Client], role: str) -> None:
    browser = client_of(role)
    with_value = {name for name, path in pages() if WORD in content(browser, path)}

    assert with_value == set()


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("role", ["viewer", "superuser"])
def test_the_same_pages_show_it_to_others(client_of: Callable[[str], Client], role: str) -> None:
    browser = client_of(role)
    with_value = {name for name, path in pages() if WORD in content(browser, path)}

    assert with_value >= _WITH_VALUES


@pytest.mark.usefixtures("planted")
def test_type_and_size_stand_for_a_value(client_of: Callable[[str], Client]) -> None:
    page = client_of("blind viewer").get(f"/admin/executions/{FAILED}/").text

    assert "list of 22 bytes" in page
    assert "text of 7 bytes" in page


@pytest.mark.usefixtures("planted")
def test_old_parameters_are_copied_by_who_may_see_them_only(client_of: Callable[[str], Client]) -> None:
    page = client_of("blind operator").get(f"/admin/submit/test:human/ask.approve-refund/?from={TASK}")

    assert WORD not in page.text


@pytest.mark.usefixtures("planted")
def test_search_finds_no_values(client_of: Callable[[str], Client]) -> None:
    for role in ("viewer", "blind viewer"):
        assert FAILED not in client_of(role).get("/admin/search/", {"s": WORD}).text


SUBSCRIPTIONS = [
    ("execution", {"subject": FAILED, "view": "console_events"}),
    ("execution", {"subject": FAILED, "view": "console_logs"}),
    ("execution", {"subject": RETRYING, "view": "console_execution"}),
    ("tasks", {"keys": [TASK]}),
]


async def first_frame(browser: Client, topic: str, subscription: dict[str, Any]) -> str:
    async with Page(browser) as page:
        assert (await page.hear())["t"] == "hello"
        await page.say(t="sub", topic=topic, **subscription)
        return str(await page.hear())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("topic", "subscription"), SUBSCRIPTIONS)
def test_frames_show_values_to_who_may_see_them_only(
    client_of: Callable[[str], Client], tmp_path: Path, topic: str, subscription: dict[str, Any]
) -> None:
    deploy_stub(tmp_path)
    plant(WORD)
    seeing, blind = client_of("viewer"), client_of("blind operator")

    shown, hidden = (async_to_sync(first_frame)(browser, topic, subscription) for browser in (seeing, blind))

    assert WORD in shown
    assert "'t': 'frame'" in hidden
    assert WORD not in hidden


@pytest.mark.django_db(transaction=True)
def test_who_loses_sight_of_values_loses_the_connection(
    client_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "RIGHTS_S", 0.05)
    browser = client_of("viewer")
    plant(WORD)

    def lose() -> None:
        Group.objects.get(name="viewer").permissions.remove(Permission.objects.get(codename="view_payload"))

    async def act() -> None:
        async with Page(browser) as page:
            await page.hear()
            await page.say(t="sub", topic="execution", subject=RETRYING, view="console_events", cursor={"version": 0})
            await page.frame()
            await in_thread(lose)
            assert (await page.hear())["why"] == "What you may see has changed; load the page again."

    async_to_sync(act)()


# --- Source ---


def give_source(component: Component) -> None:
    blob = Blob.objects.create(digest="sha256:" + "5" * 64, content=f"# {WORD}".encode(), size=9)
    ComponentFile.objects.create(component=component, blob=blob, path="ask.py", role=FileRole.SOURCE)
    Deployment.objects.filter(pk=component.deployment_id).update(toml=f'content = "{WORD}"')


def test_source_is_shown_to_who_may_see_it_only(client_of: Callable[[str], Client], tmp_path: Path, db: None) -> None:
    deploy_stub(tmp_path)
    component = Component.objects.get(name="refunds")
    give_source(component)
    page = f"components/{component.digest}/"
    paths = [f"deployments/{component.deployment_id}/", f"{page}source/", page]
    viewer, blind = client_of("viewer"), client_of("blind viewer")

    assert [WORD in viewer.get(f"/admin/{path}").text for path in paths] == [True, True, False]
    assert [WORD in blind.get(f"/admin/{path}").text for path in paths] == [False, False, False]
    assert "/source/" in viewer.get(f"/admin/{page}").text
    assert "/source/" not in blind.get(f"/admin/{page}").text


def test_differences_of_source_are_counted_for_who_may_not_see_it() -> None:
    with showing(NOTHING):
        diff = text_diff("ask.py", "x = 1", f"x = '{WORD}'")

    assert (diff.added, diff.removed, diff.lines) == (1, 1, ())


# --- The words ---


@pytest.mark.parametrize(
    ("value", "about"),
    [
        ("18446744073709551615", "number"),
        ("1.5", "number"),
        ("true", "boolean"),
        ("false", "boolean"),
        ("null", "null"),
        ('"five"', "string of 6 bytes"),
        ("[1]", "list of 3 bytes"),
        ('{"a":"é"}', "object of 10 bytes"),
    ],
)
def test_type_and_size(value: str, about: str) -> None:
    assert payload_about(value) == about


def test_without_a_word_nothing_is_shown() -> None:
    with showing(frozenset()):
        assert payload("x") == "text of 1 byte"
        assert payload_url("https://ann:pw@psp.test:8443/orders/7?k=v") == "https://psp.test:8443/…"
        with showing(frozenset(Insight)):
            assert payload("a\u202eb\0") == "a\\u202eb\\u0000"
            assert payload_url("https://psp.test/7") == "https://psp.test/7"
        assert not any(shows(insight) for insight in Insight)
