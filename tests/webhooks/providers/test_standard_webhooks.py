from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from webhooks.providers.signed_message import SignatureRefused, SignedMessage
from webhooks.providers.standard_webhooks import verify

# The example that the libraries of the specification test themselves with.
KEY = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIME = "1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def check(signature: str = SIGNATURE, *, message_id: str = ID, body: bytes = BODY, late_s: int = 1) -> str | None:
    headers = {"webhook-id": message_id, "webhook-timestamp": TIME, "webhook-signature": signature}
    now = datetime.fromtimestamp(int(TIME) + late_s, UTC)
    return verify(SignedMessage(headers, body), [KEY], tolerance=timedelta(minutes=5), now=now)


def test_the_published_signature_is_accepted() -> None:
    assert check() == ID


def test_one_of_several_signatures_is_enough() -> None:
    assert check(f"v1,{'A' * 43}= v2,x {SIGNATURE}") == ID


@pytest.mark.parametrize("signature", [SIGNATURE.replace("g0", "h0"), "v2,abc", "v1,***"])
def test_another_signature_is_refused(signature: str) -> None:
    with pytest.raises(SignatureRefused):
        check(signature)


def test_another_id_body_and_time_are_refused() -> None:
    with pytest.raises(SignatureRefused):
        check(message_id="msg_other")
    with pytest.raises(SignatureRefused):
        check(body=BODY + b" ")
    with pytest.raises(SignatureRefused):
        check(late_s=301)


@pytest.mark.parametrize("secret", [b"whsec_", b"", b"whsec_not base64"])
def test_a_secret_that_holds_no_key_accepts_nothing(secret: bytes) -> None:
    seal = base64.b64encode(hmac.digest(b"", f"{ID}.{TIME}.".encode() + BODY, "sha256")).decode()
    headers = {"webhook-id": ID, "webhook-timestamp": TIME, "webhook-signature": f"v1,{seal}"}

    with pytest.raises(SignatureRefused):
        verify(
            SignedMessage(headers, BODY),
            [secret],
            tolerance=timedelta(minutes=5),
            now=datetime.fromtimestamp(int(TIME), UTC),
        )
