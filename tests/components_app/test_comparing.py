from __future__ import annotations

import pytest
from pytest_django import Settings

from components.comparing import compare, newly_asked
from components.diff_report import diff_lines
from components.manifest.files import content_digest
from components.models import Deployment
from components.submission import submit_deployment
from components.submitted_files import SubmittedFile
from tests.components_app.builders import activity_table, make_wasm

pytestmark = pytest.mark.django_db

ADDER = make_wasm(exports={"test:adder/api": ["add"]})
OTHER_ADDER = make_wasm(exports={"test:adder/api": ["add", "sub"]})
GONE = make_wasm(exports={"test:gone/api": ["f"]})


def stored(toml: str, **files: bytes) -> Deployment:
    sent = {f"{name}.wasm": SubmittedFile(content=content) for name, content in files.items()}
    return submit_deployment(toml, sent).deployment


def declared(params: str) -> str:
    return f'[[activity_external]]\nffqn = "test:outside/api.ask"\nparams = [{params}]\n'


def test_the_same_deployment_differs_in_nothing() -> None:
    one, other = (stored(activity_table("adder"), adder=ADDER) for _ in range(2))

    diff = compare(one, other)

    assert diff.is_empty
    assert list(diff_lines(diff)) == ["Nothing differs."]


def test_components_functions_configuration_and_what_is_asked_are_compared() -> None:
    before = stored(
        activity_table("adder") + activity_table("gone") + declared('{ name = "n", type = "u8" }'),
        adder=ADDER,
        gone=GONE,
    )
    after = stored(
        activity_table(
            "adder",
            'max_retries = 9\nlimits.memory_mib = 64\n[[activity_wasm.allowed_host]]\npattern = "a.test"\n'
            'methods = ["GET"]',
        )
        + declared('{ name = "n", type = "u16" }')
        + '[[activity_external]]\nffqn = "test:outside/api.new"\n',
        adder=OTHER_ADDER,
    )

    lines = list(diff_lines(compare(before, after)))

    assert lines[:4] == [
        "+ component api.new",
        "- component gone",
        "~ component adder (other code)",
        f"    digest: {content_digest(ADDER)} -> {content_digest(OTHER_ADDER)}",
    ]
    assert "    retry.max_retries: 5 -> 9" in lines
    assert "+ function test:adder/api.sub" in lines
    assert "+ function test:outside/api.new" in lines
    assert "- function test:gone/api.f" in lines
    assert (
        "~ function test:outside/api.ask: func(n: u8) -> result<string, string> -> "
        "func(n: u16) -> result<string, string>" in lines
    )
    # Less memory than the site gives at most is nothing to ask for.
    assert lines[-1] == "! component adder may send requests to a.test (GET)"


def asked(before: str | None, after: str) -> list[str]:
    old = None if before is None else stored(activity_table("adder", before), adder=ADDER)
    return [each.what for each in newly_asked(old, stored(activity_table("adder", after), adder=ADDER))]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "limits.memory_mib = 64", []),
        ("limits.memory_mib = 64", "limits.memory_mib = 32", []),
        ("limits.memory_mib = 64", "limits.memory_mib = 128", ["asks for limits.memory_mib = 128, up from 64"]),
        ("limits.fuel = 9", "", ["asks for limits.fuel = what this site gives at most, up from 9"]),
        (
            "",
            'env_vars = ["HOME", { key = "A", value = "x${B:-${C}}" }]',
            [f"is given the variable {name} of the server" for name in ("HOME", "B", "C")],
        ),
    ],
)
def test_only_what_widens_is_asked_for(
    before: str, after: str, expected: list[str], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.OBELISK_FUEL = 1000
    monkeypatch.setenv("C", "c")

    assert asked(before, after) == expected


def test_against_nothing_everything_is_new() -> None:
    host = '[[activity_wasm.allowed_host]]\npattern = "a.test"\nmethods = ["GET"]\n'

    assert asked(None, host + host) == ["may send requests to a.test (GET)"]
