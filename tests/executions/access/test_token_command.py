from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from executions.access.tokens import find_token

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("token", *arguments, stdout=out, stderr=err)
    return out.getvalue().strip(), err.getvalue().strip()


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json")[0])


def test_a_token_is_printed_alone() -> None:
    out, err = run("create", "ci", "--scope", "submit", "--scope", "read")

    token = find_token(out)
    assert token is not None
    assert token.scopes == ["submit", "read"]
    assert err == "Scopes: submit, read. It is not shown again."


def test_without_a_scope_it_reads() -> None:
    made = run_json("create", "ci", "--days", "1.5")

    assert made["scopes"] == ["read"]
    assert made["expires_at"] is not None


def test_the_list_shows_everything_but_the_token() -> None:
    made = run_json("create", "ci")

    assert made.pop("token") not in run("list")[0]
    assert run_json("list") == [made]
    assert made["prefix"] in run("list")[0]


def test_an_empty_list_says_how_to_make_one() -> None:
    assert run("list")[0] == "no tokens; `manage.py token create NAME` makes one"


def test_a_token_is_revoked_by_its_prefix() -> None:
    made = run_json("create", "ci")

    assert run("revoke", made["prefix"])[0] == f"ci ({made['prefix']}...) is revoked"
    assert find_token(made["token"]) is None
    assert "revoked" in run("list")[0]


@pytest.mark.parametrize("days", ["0", "-1", "1e300", "nan"])
def test_a_lifetime_that_cannot_be_is_refused(days: str) -> None:
    with pytest.raises(CommandError):
        run("create", "ci", "--days", days)
