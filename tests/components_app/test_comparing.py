from __future__ import annotations

import pytest

from components.comparing import compare
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
    assert lines[-2:] == [
        "! component adder may send requests to a.test (GET)",
        "! component adder asks for limits.memory_mib = 64",
    ]
