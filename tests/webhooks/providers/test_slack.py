from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta

import pytest

from webhooks.providers.signed_message import SignatureRefused, SignedMessage
from webhooks.providers.slack import verify

# Slack's documentation, "Verifying requests from Slack".
KEY = b"8f742231b10e8888abcd99yyyzzz85a5"
TIME = "1531420618"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def check(*, signature: str = SIGNATURE, time: str = TIME, body: bytes = BODY, late_s: int = 1) -> str | None:
    message = SignedMessage({"x-slack-signature": signature, "x-slack-request-timestamp": time}, body)
    now = datetime.fromtimestamp(int(TIME) + late_s, UTC)
    return verify(message, [KEY], tolerance=timedelta(minutes=5), now=now)


def test_the_published_signature_is_accepted() -> None:
    assert check() is None


def test_another_one_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        check(signature=SIGNATURE[:-1] + "4")
    with pytest.raises(SignatureRefused):
        check(body=BODY + b"&")
    with pytest.raises(SignatureRefused):
        check(time=str(int(TIME) + 1))


def test_an_old_one_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="too far from now"):
        check(late_s=301)


@pytest.mark.parametrize("event_id", [r"Ev\u0000", r"Ev\ud800"])
def test_an_id_that_no_database_takes_is_none(event_id: str) -> None:
    body = b'{"event_id": "%s"}' % event_id.encode()
    seal = hmac.new(KEY, f"v0:{TIME}:".encode() + body, "sha256").hexdigest()

    assert check(signature=f"v0={seal}", body=body) is None
