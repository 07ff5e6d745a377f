from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.apps import AppConfig
from django.core.management import call_command

from components.django_activities import DjangoActivities, django_activities, find_activities
from components.problems import DeploymentRefused
from components.services import active_deployment, deploy
from engine.deployment.spec import Runner
from engine.wit.grammar import format_type
from tests.components_app.builders import make_wasm, write_deployment

Find = Callable[..., DjangoActivities]


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Find]:
    """Finds the activities of an app that has this file."""
    monkeypatch.syspath_prepend(tmp_path)
    made: list[str] = []

    def make(text: str, *, name: str = "kitchen_sink") -> DjangoActivities:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "activities.py").write_text(textwrap.dedent(text))
        made.append(name)
        return find_activities([AppConfig(name, import_module(name))])

    yield make
    for name in list(sys.modules):
        if name.partition(".")[0] in made:
            del sys.modules[name]


def test_a_decorated_function_is_an_activity_with_the_types_of_its_hints(find: Find) -> None:
    found = find(
        """
        from dataclasses import dataclass
        from datetime import timedelta
        from obelisk import activity, u16

        @dataclass
        class Dish:
            name: str
            plates: u16

        class Burnt(Exception):
            pass

        @activity(max_retries=2, attempt_timeout=timedelta(minutes=2), errors=[Burnt])
        def cook_dinner(dish: Dish, in_a_hurry: bool = False) -> list[str]:
            return []

        @activity
        def wash_up() -> None: ...
        """
    )

    (component,) = found.components
    cook, wash = component.functions
    assert (component.id.name, component.runner) == ("django.kitchen_sink", Runner.HOST)
    assert component.may_touch_world
    assert str(cook.name) == "django:kitchen-sink/activities.cook-dinner"
    assert [(param.name, format_type(param.type)) for param in cook.type.params] == [
        ("dish", "record { name: string, plates: u16 }"),
        ("in-a-hurry", "bool"),
    ]
    assert cook.type.result is not None
    assert format_type(cook.type.result) == (
        "result<list<string>, variant { execution-failed, burnt(string), other(string) }>"
    )
    assert cook.retry is not None
    assert wash.retry is not None
    assert (cook.retry.max_retries, cook.lock_expiry) == (2, timedelta(minutes=2))
    assert (wash.retry.max_retries, wash.lock_expiry) == (5, timedelta(seconds=30))
    assert set(found.functions) == {str(cook.name), str(wash.name)}


def test_what_a_file_imports_is_not_its_own(find: Find) -> None:
    found = find("from tests.apps.lab.activities import double")

    assert found.components == ()


def test_an_app_may_have_a_file_of_that_name_for_itself(find: Find) -> None:
    assert find("def climb() -> None: ...").components == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "from obelisk import activity\n\n@activity\ndef cook(dish) -> None: ...",
            "kitchen_sink/activities.py:3: cook: parameter 'dish' has no type hint",
        ),
        (
            "from obelisk import workflow\n\n@workflow\ndef dine() -> None: ...",
            "kitchen_sink/activities.py:3: dine is a workflow, which has to be replayed in the sandbox; "
            "put it into a file that a [[python]] table of the deployment names",
        ),
        (
            'from obelisk import imported\n\n@imported("a:b/c.d")\ndef dine() -> None: ...',
            "kitchen_sink/activities.py:3: dine: an activity is one step and calls nothing durable; "
            "import it in the workflow",
        ),
        (
            "from obelisk import activity\n\n@activity\nasync def cook() -> None: ...",
            "kitchen_sink/activities.py:3: cook: async def is not supported; write def, "
            "and use join_set() or gather() to wait for several things",
        ),
    ],
)
def test_what_cannot_be_an_activity_is_refused_with_its_place(find: Find, text: str, sentence: str) -> None:
    with pytest.raises(DeploymentRefused) as caught:
        find(text)

    assert caught.value.problems == (sentence,)


@pytest.mark.parametrize("change", ["-> int: return 1", "-> str: return 'one'"])
def test_another_file_is_another_component(find: Find, change: str) -> None:
    text = "from obelisk import activity\n\n@activity\ndef one() {}"

    digests = {
        find(text.format(body), name=name).components[0].id.digest
        for name, body in (("first", "-> int: return 0"), ("second", change))
    }

    assert len(digests) == 2


@pytest.mark.django_db
def test_the_installed_apps_activities_are_part_of_every_deployment(tmp_path: Path) -> None:
    assert active_deployment() is None
    deploy(write_deployment(tmp_path, '[[activity_external]]\nffqn = "a:b/c.d"\n'))

    spec = active_deployment()

    assert spec is not None
    assert [component.id.name for component in spec.components] == ["c.d", "django.shop", "django.test_lab"]


@pytest.mark.django_db
def test_lists_show_them(tmp_path: Path) -> None:
    deploy(write_deployment(tmp_path, '[[activity_external]]\nffqn = "a:b/c.d"\n'))
    functions, components = StringIO(), StringIO()

    call_command("function", "list", stdout=functions)
    call_command("component", "list", stdout=components)

    assert (
        "Activities of django.shop\n  django:shop/activities.write-receipt: func(order: record" in functions.getvalue()
    )
    assert "activity       django.shop  2 functions  sha256:" in components.getvalue()


@pytest.mark.django_db
def test_a_component_may_import_them(tmp_path: Path) -> None:
    wasm = make_wasm(imports={"django:test-lab/activities": ["who"]}, exports={"test:caller/api": ["call"]})

    with pytest.raises(DeploymentRefused) as caught:
        deploy(write_deployment(tmp_path, '[[workflow_wasm]]\nname = "w"\nlocation = "w.wasm"\n', w=wasm))

    # It is found, and its type is the one of the hints.
    assert "django:test-lab/activities.who" in str(caught.value)
    assert "result<string, string>" in str(caught.value)


def test_they_are_looked_for_once() -> None:
    assert django_activities() is django_activities()
