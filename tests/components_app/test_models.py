from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from components.models import Blob, Component, Deployment, Function

pytestmark = pytest.mark.django_db


def make_deployment(number: int = 1, **fields: Any) -> Deployment:
    values = {"status": "inactive", "toml": "", "digest": "sha256:0", "last_active_at": timezone.now()}
    return Deployment.objects.create(deployment_id=f"Dep_{number}", **values | fields)


def make_component(deployment: Deployment, **fields: Any) -> Component:
    values: dict[str, Any] = {
        "position": 0,
        "name": "a",
        "component_type": "activity",
        "digest": "sha256:1",
        "runner": "none",
        "config": {},
        "imports": {},
        "exports": {},
    }
    return Component.objects.create(deployment=deployment, **values | fields)


def make_function(component: Component, **fields: Any) -> Function:
    values: dict[str, Any] = {
        "position": 0,
        "ffqn": "test:a/api.run",
        "kind": "activity",
        "params": [],
        "return_type": "result",
        "submittable": True,
    }
    return Function.objects.create(component=component, **values | fields)


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("deployment.status", lambda: [make_deployment(n, status="active") for n in (1, 2)]),
        ("deployment.status", lambda: [make_deployment(n, status="enqueued") for n in (1, 2)]),
        ("deployment_status_is_known", lambda: make_deployment(status="paused")),
        ("active_deployment_has_a_time", lambda: make_deployment(status="active", last_active_at=None)),
        ("component_type_is_known", lambda: make_component(make_deployment(), component_type="other")),
        ("component_runner_is_known", lambda: make_component(make_deployment(), runner="other")),
        ("wasm_component_has_a_binary", lambda: make_component(make_deployment(), runner="wasm")),
        ("function_kind_is_known", lambda: make_function(make_component(make_deployment()), kind="cron")),
    ],
)
def test_the_database_refuses(name: str, break_it: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError, match=name):
        break_it()


@pytest.mark.parametrize("fields", [{"position": 1}, {"name": "b"}])
def test_name_and_position_of_a_component_are_unique_in_its_deployment(fields: dict[str, Any]) -> None:
    deployment = make_deployment()
    make_component(deployment)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_component(deployment, **fields)

    make_component(make_deployment(2))


@pytest.mark.parametrize("fields", [{"position": 1}, {"ffqn": "test:a/api.other"}])
def test_a_component_exports_a_function_once(fields: dict[str, Any]) -> None:
    component = make_component(make_deployment())
    make_function(component)

    with pytest.raises(IntegrityError):
        make_function(component, **fields)


def test_one_of_each_status_may_exist() -> None:
    for number, status in enumerate(("active", "enqueued", "inactive", "inactive")):
        make_deployment(number, status=status)

    assert Deployment.objects.active().get().deployment_id == "Dep_0"


def test_a_binary_in_use_cannot_be_deleted() -> None:
    blob = Blob.objects.create(digest="sha256:2", content=b"x", size=1)
    component = make_component(make_deployment(), wasm=blob)

    with pytest.raises(models.ProtectedError):
        blob.delete()

    component.deployment.delete()
    blob.delete()


def test_rows_name_themselves() -> None:
    component = make_component(make_deployment(status="active"))

    assert str(component) == "activity:a"
    assert str(component.deployment) == "Dep_1 (active)"
    assert str(make_function(component)) == "test:a/api.run"
    assert str(Blob(digest="sha256:2")) == "sha256:2"
