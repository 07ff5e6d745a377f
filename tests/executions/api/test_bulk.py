"""One operation on many executions, by HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from executions.access.scopes import Insight, Scope
from executions.models import Execution
from executions.operations import bulk
from executions.operations.answering import answer
from executions.operations.submitting import submit
from tests.executions.api.clients import Api
from tests.executions.deployments import ADD, deploy_declared, deploy_declared_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def five(tmp_path: Path) -> list[str]:
    """Calls of an external activity, the newest first; the oldest has failed."""
    deploy_declared(tmp_path)
    ids: list[Any] = [submit(ADD, [number, []], labels={"batch": "b"}).execution_id for number in range(5)]
    answer(ids[0], {"err": None})
    return ids[::-1]


def bulk_of(api: Api, operation: str, wanted: dict[str, Any] | None = None, **more: Any) -> Any:
    found = api.post("executions/bulk", {"operation": operation, "filter": wanted or {}, **more})
    assert found.status == 200, found.text
    return found.json


def test_unless_told_otherwise_it_only_counts(api: Api, five: list[str]) -> None:
    report = bulk_of(api, "cancel", {"status": ["unfinished"], "label": ["batch:b"]})

    assert report == {"operation": "cancel", "dry_run": True, "matching": 4, "done": [], "refused": []}
    assert not Execution.objects.exclude(lifecycle="active").exists()


def test_what_cannot_be_changed_is_told_with_the_reason(api: Api, five: list[str]) -> None:
    report = bulk_of(api, "pause", dry_run=False)

    assert report["done"] == five[:4]
    assert report["refused"] == [{"execution_id": five[4], "err": f"cannot pause {five[4]}: it has finished"}]
    assert "next_cursor" not in report
    assert "matching" not in report


def test_it_goes_on_portion_by_portion(api: Api, five: list[str]) -> None:
    done: list[str] = []
    more: dict[str, Any] = {}
    while True:
        report = bulk_of(api, "cancel", dry_run=False, limit=2, **more)
        done += report["done"]
        if "next_cursor" not in report:
            break
        more = {"cursor": report["next_cursor"]}

    assert done == five[:4]
    assert report["refused"] == [{"execution_id": five[4], "err": "already finished"}]


def test_what_has_failed_is_retried_once(api: Api, five: list[str]) -> None:
    failed = {"status": ["finished_error"]}
    first, second = (bulk_of(api, "retry", failed, dry_run=False) for _ in range(2))

    assert first["done"] == [five[4]]
    assert second["done"] == []
    assert Execution.objects.count() == 6


def test_pausing_is_undone_by_unpausing(api: Api, five: list[str]) -> None:
    bulk_of(api, "pause", dry_run=False)
    report = bulk_of(api, "unpause", {"status": ["paused"]}, dry_run=False)

    assert report["done"] == five[:4]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "delete", "filter": {}}, "invalid_body"),
        ({"operation": "cancel"}, "invalid_body"),
        ({"operation": "cancel", "filter": {"nonsense": 1}}, "invalid_body"),
        ({"operation": "cancel", "filter": {"status": "paused"}}, "invalid_body"),
        ({"operation": "cancel", "filter": {"label": ["red"]}}, "invalid_body"),
        ({"operation": "cancel", "filter": {"parent": "a\0b"}}, "invalid_parameter"),
        ({"operation": "cancel", "filter": {}, "limit": 1001}, "invalid_body"),
        ({"operation": "cancel", "filter": {}, "dry_run": False, "cursor": "nonsense"}, "invalid_cursor"),
    ],
)
def test_what_cannot_be_understood_changes_nothing(api: Api, five: list[str], body: Any, code: str) -> None:
    assert api.post("executions/bulk", body).code == code


def test_why_something_was_left_quotes_no_value_to_who_may_see_none(
    client: Client, five: list[str], tmp_path: Path
) -> None:
    deploy_declared_text(tmp_path)
    user = User.objects.create_user("ann")
    user.groups.add(Group.objects.get(name="operator"))
    Group.objects.get(name="operator").permissions.remove(*Permission.objects.filter(codename=Insight.PAYLOAD.codename))
    client.force_login(user)
    failed = {"status": ["finished_error"]}
    body = {"operation": "retry", "filter": failed, "dry_run": False}

    told = client.post("/v1/executions/bulk", body, content_type="application/json").json()["refused"]
    (quoted,) = bulk_of(Api(), "retry", failed, dry_run=False)["refused"]

    assert told == [{"execution_id": five[4], "err": "the old call does not fit the function any more"}]
    assert "params[0]: expected" in quoted["err"]


def test_retrying_needs_the_scope_of_starting() -> None:
    api = Api([Scope.OPERATE])

    assert api.post("executions/bulk", {"operation": "retry", "filter": {}}).code == "missing_scope"


def test_more_than_enough_is_not_counted(api: Api, five: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "COUNTED", 3)

    assert bulk_of(api, "cancel")["matching"] == 4
