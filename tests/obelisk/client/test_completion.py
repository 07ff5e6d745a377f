from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from obelisk.client.completion import complete_functions, complete_sources
from obelisk.client.main import main
from tests.harness.http_servers import Answer, serve

NAMES = ["a:b/api.pay", "a:b/api.refund", "a:c/api.pay", "a:c/api@1.0.0.ship"]


def completed(typed: str) -> list[str]:
    functions = json.dumps([{"ffqn": name} for name in NAMES]).encode()
    with serve(lambda _: Answer(200, functions)) as server:
        context = click.Context(main)
        context.params = {"api_url": server.origin}
        return [item.value for item in complete_functions(context, click.Argument(["function"]), typed)]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", NAMES),
        ("a:b/", ["a:b/api.pay", "a:b/api.refund"]),
        # Nobody could say which pay is meant.
        (".../", [".../api.refund", ".../api@1.0.0.ship"]),
        ("x", []),
    ],
)
def test_functions_are_completed_where_a_name_is_of_one(typed: str, expected: list[str]) -> None:
    assert completed(typed) == expected


def test_what_is_no_id_is_the_name_of_a_file() -> None:
    (item,) = complete_sources(click.Context(main), click.Argument(["source"]), "exam")

    assert item.type == "file"


@pytest.mark.parametrize(
    ("shell", "registration"),
    [
        ("bash", "complete -o nosort -F _obelisk_completion obelisk"),
        ("zsh", "compdef _obelisk_completion obelisk"),
        ("fish", "complete --no-files --command obelisk"),
    ],
)
def test_each_shell_has_its_script(shell: str, registration: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])

    assert done.exit_code == 0
    assert registration in done.stdout
