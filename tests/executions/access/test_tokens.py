from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from executions.access.first_token import ensure_token
from executions.access.scopes import Scope
from executions.access.tokens import TokenRefused, find_token, issue_token, revoke_token
from executions.models import ApiToken

pytestmark = pytest.mark.django_db


def test_a_token_is_found_by_its_text_and_not_stored() -> None:
    token, text = issue_token("ci", [Scope.READ, Scope.SUBMIT])

    assert find_token(text) == token
    assert token.granted == {Scope.READ, Scope.SUBMIT}
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert not any(text.rpartition("_")[2] in str(value) for value in row.values())


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1] + "~", lambda text: text + "x", lambda _: ""])
def test_another_text_is_no_token(change: object) -> None:
    _, text = issue_token("ci", [Scope.READ])

    assert callable(change)
    assert find_token(change(text)) is None


def test_another_secret_behind_the_same_prefix_is_no_token() -> None:
    token, text = issue_token("ci", [Scope.READ])
    other = "A" if text[-1] != "A" else "B"

    assert find_token(text[:-1] + other) is None
    assert text.startswith(f"obelisk_{token.prefix}_")


def test_a_revoked_token_is_worthless_and_stays_on_the_list() -> None:
    token, text = issue_token("ci", [Scope.READ])
    revoked_at = revoke_token(token.prefix).revoked_at

    assert find_token(text) is None
    assert revoke_token(token.prefix).revoked_at == revoked_at


def test_a_token_expires() -> None:
    _, text = issue_token("ci", [Scope.READ], lifetime=timedelta(days=1))

    assert find_token(text, now=timezone.now() + timedelta(hours=23)) is not None
    assert find_token(text, now=timezone.now() + timedelta(hours=25)) is None


def test_its_use_is_noted_once_a_minute() -> None:
    token, text = issue_token("ci", [Scope.READ])
    first, soon, later = (timezone.now() + timedelta(seconds=seconds) for seconds in (0, 59, 61))
    seen = []
    for now in (first, soon, later):
        find_token(text, now=now)
        token.refresh_from_db()
        seen.append(token.last_used_at)

    assert seen == [first, first, later]


@pytest.mark.parametrize(
    ("name", "scopes", "lifetime", "sentence"),
    [
        (" ", [Scope.READ], None, "needs a name"),
        ("n" * 101, [Scope.READ], None, "needs a name"),
        ("ci", [], None, "needs a scope; there are read, submit, operate, deploy"),
        ("ci", [Scope.READ], timedelta(), "must not have expired"),
    ],
)
def test_what_can_be_no_token_is_refused(
    name: str, scopes: list[Scope], lifetime: timedelta | None, sentence: str
) -> None:
    with pytest.raises(TokenRefused, match=sentence):
        issue_token(name, scopes, lifetime=lifetime)

    assert not ApiToken.objects.exists()


def test_revoking_what_is_not_there_is_refused() -> None:
    with pytest.raises(TokenRefused, match="there is no token 'x'; "):
        revoke_token("x")


def test_the_first_token_is_made_once_and_shown_again(tmp_path: Path) -> None:
    file = tmp_path / "api_token"
    text = ensure_token(file)

    assert text is not None
    assert find_token(text) is not None
    assert file.stat().st_mode & 0o777 == 0o600
    assert ensure_token(file) == text


def test_no_first_token_is_made_where_there_are_others(tmp_path: Path) -> None:
    issue_token("mine", [Scope.READ])

    assert ensure_token(tmp_path / "api_token") is None
    assert not (tmp_path / "api_token").exists()


def test_a_first_token_that_was_revoked_is_not_shown(tmp_path: Path) -> None:
    ensure_token(tmp_path / "api_token")
    revoke_token(ApiToken.objects.get().prefix)

    assert ensure_token(tmp_path / "api_token") is None
