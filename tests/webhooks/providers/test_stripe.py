from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from webhooks.providers.signed_message import SignatureRefused, SignedMessage
from webhooks.providers.stripe import verify

# Signed by Stripe's own library for Node: webhooks.generateTestHeaderString.
KEY = b"whsec_test_secret"
BODY = b'{"id":"evt_test_webhook","object":"event"}'
HEADER = "t=1700000000,v1=d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990"
SIGNED_AT = datetime.fromtimestamp(1_700_000_000, UTC)


def check(header: str, *, body: bytes = BODY, after: timedelta = timedelta(seconds=2)) -> str | None:
    return verify(
        SignedMessage({"stripe-signature": header}, body), [KEY], tolerance=timedelta(minutes=5), now=SIGNED_AT + after
    )


def test_a_signature_of_stripes_own_library_is_accepted() -> None:
    assert check(HEADER) == "evt_test_webhook"


def test_one_of_several_signatures_is_enough() -> None:
    assert check(HEADER.replace("v1=", f"v1={'0' * 64},v0=abc, v1="))


@pytest.mark.parametrize("after", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_signature_from_another_time_is_refused(after: timedelta) -> None:
    with pytest.raises(SignatureRefused, match="too far from now"):
        check(HEADER, after=after)


@pytest.mark.parametrize(
    "header",
    [HEADER.replace("v1=", "v0="), HEADER.removeprefix("t=1700000000,"), "t=1700000001" + HEADER[12:], "t=soon,v1=ab"],
)
def test_another_header_is_refused(header: str) -> None:
    with pytest.raises(SignatureRefused):
        check(header)


def test_another_body_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        check(HEADER, body=BODY + b" ")
