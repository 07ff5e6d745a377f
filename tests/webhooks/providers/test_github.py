from __future__ import annotations

import pytest

from webhooks.providers.github import verify
from webhooks.providers.signed_message import SignatureRefused, SignedMessage

# GitHub's documentation, "Validating webhook deliveries".
KEY = b"It's a Secret to Everybody"
BODY = b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

# Signed by @octokit/webhooks-methods.
OCTOKIT_KEY = b"mysecret"
OCTOKIT_BODY = b'{"action":"created","sender":{"login":"mona"}}'
OCTOKIT_SIGNATURE = "sha256=0d8be708b9865627522217c741eee83964503cbf489da49f4deb7111e84e9c3f"


def message(signature: str, body: bytes = BODY) -> SignedMessage:
    return SignedMessage({"x-hub-signature-256": signature, "x-github-delivery": "72d3162e"}, body)


def test_the_published_signature_is_accepted() -> None:
    assert verify(message(SIGNATURE), [KEY]) == "72d3162e"


def test_a_signature_of_githubs_own_library_is_accepted() -> None:
    assert verify(message(OCTOKIT_SIGNATURE, OCTOKIT_BODY), [OCTOKIT_KEY]) == "72d3162e"


def test_either_secret_of_a_rotation_is_accepted() -> None:
    assert verify(message(SIGNATURE), [b"the new one", KEY])


@pytest.mark.parametrize(
    "signature", [SIGNATURE[:-1] + "8", SIGNATURE[:-2], SIGNATURE.removeprefix("sha256="), "sha256=xyz", "sha256="]
)
def test_another_signature_is_refused(signature: str) -> None:
    with pytest.raises(SignatureRefused):
        verify(message(signature), [KEY])


def test_another_body_another_secret_and_no_signature_are_refused() -> None:
    with pytest.raises(SignatureRefused):
        verify(message(SIGNATURE, b"Hello, World?"), [KEY])
    with pytest.raises(SignatureRefused):
        verify(message(SIGNATURE), [b"another"])
    with pytest.raises(SignatureRefused, match="x-hub-signature-256 is missing"):
        verify(SignedMessage({}, BODY), [KEY])
