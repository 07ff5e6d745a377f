from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from engine.activity.run_secrets import PLACEHOLDER_PREFIX, RunSecrets, takes_secrets
from engine.activity.secret_values import SecretValue
from engine.deployment.spec import SecretLocation
from engine.errors import DeploymentError, OutboundInvalid

VALUE = 'p"ä ss&word'
USES = frozenset(("TOKEN", location) for location in SecretLocation)
NO_USES: frozenset[tuple[str, SecretLocation]] = frozenset()


@pytest.fixture
def secrets() -> RunSecrets:
    return RunSecrets(
        ["TOKEN", "TOKEN"], {"TOKEN": SecretValue(VALUE), "OTHER": SecretValue("x")}, lambda n: b"\x5a" * n
    )


def placeholder(secrets: RunSecrets) -> str:
    return secrets.environment["TOKEN"]


def test_the_guest_sees_a_fresh_placeholder_under_the_secrets_name(secrets: RunSecrets) -> None:
    assert secrets.environment == {"TOKEN": PLACEHOLDER_PREFIX + "5a" * 32}


def test_a_secret_that_the_operator_does_not_have_is_an_error_that_tells_what_to_write() -> None:
    with pytest.raises(DeploymentError, match=r"\[secrets\] TOKEN = "):
        RunSecrets(["TOKEN"], {}, bytes)


def test_headers_are_replaced_within_their_values(secrets: RunSecrets) -> None:
    headers = (("Authorization", f"Bearer {placeholder(secrets)}!".encode()), ("x", b"\xff"))

    replaced = secrets.in_headers(headers, USES)

    assert replaced == (("Authorization", f"Bearer {VALUE}!".encode()), ("x", b"\xff"))


def test_a_query_is_replaced_in_its_values_and_else_left_as_it_is_spelt(secrets: RunSecrets) -> None:
    query = f"?a=%7e+x&key={placeholder(secrets)}&{placeholder(secrets)}=1&b"

    replaced = secrets.in_query(query, USES)

    assert replaced.startswith("?a=%7e+x&key=")
    assert parse_qs(replaced[1:])["key"] == [VALUE]
    assert replaced.endswith(f"&{placeholder(secrets)}=1&b")


def test_a_placeholder_that_is_percent_encoded_is_found(secrets: RunSecrets) -> None:
    encoded = placeholder(secrets).replace("_", "%5F")

    assert parse_qs(secrets.in_query(f"?k={encoded}", USES)[1:])["k"] == [VALUE]


@pytest.mark.parametrize(
    ("content_type", "is_replaced"),
    [
        ("application/json", True),
        ("application/problem+json; charset=utf-8", True),
        ("text/plain", True),
        ("application/x-www-form-urlencoded", True),
        ("application/octet-stream", False),
        ("", False),
    ],
)
def test_a_body_is_replaced_if_it_is_text(secrets: RunSecrets, content_type: str, is_replaced: bool) -> None:
    body = f'"{placeholder(secrets)}"'.encode()

    assert (secrets.in_body(body, content_type, USES) != body) is is_replaced
    assert takes_secrets(content_type) is is_replaced


def test_what_goes_into_a_body_is_escaped_as_its_format_asks(secrets: RunSecrets) -> None:
    json_body = secrets.in_body(f'{{"a": "{placeholder(secrets)}"}}'.encode(), "application/json", USES)
    form = secrets.in_body(f"a={placeholder(secrets)}&b=1".encode(), "application/x-www-form-urlencoded", USES)

    assert json.loads(json_body) == {"a": VALUE}
    assert parse_qs(form.decode()) == {"a": [VALUE], "b": ["1"]}


def test_a_body_that_is_no_text_after_all_stays_as_it_is(secrets: RunSecrets) -> None:
    body = placeholder(secrets).encode() + b"\xff"

    assert secrets.in_body(body, "text/plain", USES) == body


def test_nothing_is_replaced_where_it_is_not_allowed(secrets: RunSecrets) -> None:
    text = placeholder(secrets)
    only_params = frozenset({("TOKEN", SecretLocation.PARAMS)})

    assert secrets.in_headers((("a", text.encode()),), only_params) == (("a", text.encode()),)
    assert secrets.in_query(f"?a={text}", NO_USES) == f"?a={text}"
    assert secrets.in_body(text.encode(), "text/plain", only_params) == text.encode()


def test_a_secret_with_a_line_break_cannot_split_a_header() -> None:
    secrets = RunSecrets(["T"], {"T": SecretValue("a\r\nx: y")}, bytes)

    with pytest.raises(OutboundInvalid) as caught:
        secrets.in_headers((("a", secrets.environment["T"].encode()),), frozenset({("T", SecretLocation.HEADERS)}))

    assert "x: y" not in str(caught.value)


def test_a_text_for_people_has_every_spelling_of_a_secret_taken_out(secrets: RunSecrets) -> None:
    spellings = [VALUE, json.dumps(VALUE, ensure_ascii=False), "p%22%C3%A4%20ss%26word", "p%22%C3%A4+ss%26word"]

    for spelling in spellings:
        redacted = secrets.redact(f"got {spelling} back")
        assert "ss" not in redacted.replace("<secret TOKEN>", "")
