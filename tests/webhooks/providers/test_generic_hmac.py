from __future__ import annotations

import base64

import pytest

from engine.deployment.webhooks import HmacAlgorithm, HmacEncoding, HmacScheme
from webhooks.providers.generic_hmac import verify
from webhooks.providers.signed_message import SignatureRefused, SignedMessage

# RFC 2202, section 3, and RFC 4231, section 4.3.
KEY = b"Jefe"
BODY = b"what do ya want for nothing?"
DIGESTS = {
    HmacAlgorithm.SHA1: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    HmacAlgorithm.SHA256: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    HmacAlgorithm.SHA512: (
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    ),
}


@pytest.mark.parametrize("algorithm", list(HmacAlgorithm))
def test_published_signatures_are_accepted(algorithm: HmacAlgorithm) -> None:
    scheme = HmacScheme(header="x-signature", prefix="sig=", algorithm=algorithm, delivery_header="x-id")
    message = SignedMessage({"x-signature": f"sig={DIGESTS[algorithm]}", "x-id": "7"}, BODY)

    assert verify(message, [b"no", KEY], scheme=scheme) == "7"


def test_base64_is_accepted() -> None:
    scheme = HmacScheme(header="x-signature", encoding=HmacEncoding.BASE64)
    signature = base64.b64encode(bytes.fromhex(DIGESTS[HmacAlgorithm.SHA256])).decode()

    assert verify(SignedMessage({"x-signature": signature}, BODY), [KEY], scheme=scheme) is None


@pytest.mark.parametrize("signature", ["sig=" + "0" * 64, DIGESTS[HmacAlgorithm.SHA256], "sig=é", ""])
def test_anything_else_is_refused(signature: str) -> None:
    scheme = HmacScheme(header="x-signature", prefix="sig=")

    with pytest.raises(SignatureRefused):
        verify(SignedMessage({"x-signature": signature}, BODY), [KEY], scheme=scheme)
