"""``wit = "folder"``: the type of a function stands in WIT beside the deployment file."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from components.manifest.files import MAX_WIT_FILES
from components.preparation import PreparedComponent, prepare
from components.problems import DeploymentRefused
from components.services import deploy
from engine.wit.grammar import format_type

pytestmark = pytest.mark.django_db

WIT = """
package acme:shop;

interface orders {
    /// What somebody wants.
    record order { lines: list<line>, rush: bool }
    record line { article: string, count: u32 }
    variant problem { execution-failed, permanent-sold-out(line) }
    place: func(order: order) -> result<string, problem>;
}

world shop { export orders; }
"""
PLACE = 'ffqn = "acme:shop/orders.place"\nwit = "wit"\n'
KINDS = {
    "activity_js": PLACE + "content = 'export default (order) => String(order.lines.length);'",
    "workflow_js": PLACE + "content = 'export default (order) => String(order.lines.length);'",
    "activity_exec": PLACE + "content = '#!/bin/true'",
    "activity_stub": PLACE,
    "activity_external": PLACE,
    "activity_py": PLACE + "content = 'def place(order): return str(len(order[\"lines\"]))'",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wit").mkdir()
    (tmp_path / "wit" / "shop.wit").write_text(WIT)
    return tmp_path


def write(folder: Path, table: str) -> Path:
    path = folder / "deployment.toml"
    path.write_text(f"[[{table}]]\n{KINDS[table]}\n")
    return path


def prepared(folder: Path, table: str) -> PreparedComponent:
    [component] = prepare(write(folder, table)).components
    return component


def problem(folder: Path) -> str:
    with pytest.raises(DeploymentRefused) as caught:
        prepare(write(folder, "activity_stub"))
    [found] = caught.value.problems
    return str(found)


@pytest.mark.parametrize("table", [kind for kind in KINDS if kind != "activity_exec"])
def test_every_kind_takes_the_type_of_its_function_from_wit(folder: Path, table: str) -> None:
    [function] = prepared(folder, table).spec.functions

    line = "record { article: string, count: u32 }"
    assert [(param.name, format_type(param.type)) for param in function.type.params] == [
        ("order", f"record {{ lines: list<{line}>, rush: bool }}")
    ]
    assert function.type.result is not None
    assert format_type(function.type.result) == (
        f"result<string, variant {{ execution-failed, permanent-sold-out({line}) }}>"
    )


def test_native_programs_take_it_too(folder: Path) -> None:
    path = write(folder, "activity_exec")
    (folder / "wit" / "shop.wit").write_text(WIT.replace("place:", "pay:"))

    with pytest.raises(DeploymentRefused, match="acme:shop/orders has no function place; it has pay"):
        prepare(path)


def test_the_authors_names_are_in_the_components_wit(folder: Path) -> None:
    deploy(write(folder, "workflow_js"))
    out = StringIO()

    call_command("component", "wit", "orders.place", stdout=out)

    printed = out.getvalue()
    assert "record order {" in printed
    assert "record line {" in printed
    assert "variant problem {" in printed
    assert "place: func(order: order) -> result<string, problem>;" in printed


def test_other_names_make_another_component_and_comments_do_not(folder: Path) -> None:
    def digest(text: str) -> str:
        (folder / "wit" / "shop.wit").write_text(text)
        return prepared(folder, "activity_js").spec.id.digest

    same, commented = digest(WIT), digest(WIT.replace("What somebody wants.", "What somebody orders."))
    renamed = digest(
        WIT.replace("line {", "position {").replace("<line>", "<position>").replace("(line)", "(position)")
    )

    assert same == commented != renamed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (WIT.replace("list<line>", "list<lien>"), "wit/shop.wit:6:32: unknown type `lien`"),
        (WIT.replace("place:", "pay:"), "wit/shop.wit: acme:shop/orders has no function place; it has pay"),
        (WIT.replace("world shop { export orders; }", ""), "wit: the package must have one world; it has none"),
    ],
)
def test_a_mistake_is_named_with_the_entry_and_the_place_in_the_file(folder: Path, text: str, sentence: str) -> None:
    (folder / "wit" / "shop.wit").write_text(text)

    entry = 'deployment.toml: [[activity_stub]] #1 "acme:shop/orders.place": key "wit" cannot be used: '
    assert problem(folder).startswith(entry + sentence)


def test_folders_that_cannot_be_read_are_refused(folder: Path) -> None:
    file = folder / "wit" / "shop.wit"

    file.write_bytes(b"package \xff")
    assert problem(folder).endswith('key "wit" names "wit", which holds shop.wit, where byte 8 is not UTF-8 text')

    file.unlink()
    assert problem(folder).endswith("wit: there is no .wit file in it")

    for number in range(MAX_WIT_FILES + 1):
        (folder / "wit" / f"f{number}.wit").touch()
    assert problem(folder).endswith(f'names "wit", which holds more than {MAX_WIT_FILES} .wit files')

    (folder / "wit").rename(folder / "other")
    assert problem(folder).endswith('names "wit", which does not exist')

    (folder / "wit").symlink_to("/tmp")
    assert "leaves the folder of the deployment file" in problem(folder)


def test_types_stand_in_one_place_only(folder: Path) -> None:
    path = write(folder, "activity_js")
    path.write_text(path.read_text() + 'params = []\nreturn_type = "result"\n')

    with pytest.raises(DeploymentRefused) as caught:
        prepare(path)

    assert [str(found).partition(": key ")[2] for found in caught.value.problems] == [
        f'"{key}" stands beside "wit", which has the types' for key in ("params", "return_type")
    ]
