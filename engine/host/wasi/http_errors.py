"""The error codes of ``wasi:http``: from the engine's errors and back."""

from __future__ import annotations

from engine.errors import OutboundError
from engine.wit.names import snake_name
from engine.wit.options import JsonValue

_FIELD_SIZE = "record { field-name: option<string>, field-size: option<u32> }"
ERROR_CODE = (
    "variant { DNS-timeout, DNS-error(record { rcode: option<string>, info-code: option<u16> }), "
    "destination-not-found, destination-unavailable, destination-IP-prohibited, destination-IP-unroutable, "
    "connection-refused, connection-terminated, connection-timeout, connection-read-timeout, "
    "connection-write-timeout, connection-limit-reached, TLS-protocol-error, TLS-certificate-error, "
    "TLS-alert-received(record { alert-id: option<u8>, alert-message: option<string> }), HTTP-request-denied, "
    "HTTP-request-length-required, HTTP-request-body-size(option<u64>), HTTP-request-method-invalid, "
    "HTTP-request-URI-invalid, HTTP-request-URI-too-long, HTTP-request-header-section-size(option<u32>), "
    f"HTTP-request-header-size(option<{_FIELD_SIZE}>), HTTP-request-trailer-section-size(option<u32>), "
    f"HTTP-request-trailer-size({_FIELD_SIZE}), HTTP-response-incomplete, "
    f"HTTP-response-header-section-size(option<u32>), HTTP-response-header-size({_FIELD_SIZE}), "
    "HTTP-response-body-size(option<u64>), HTTP-response-trailer-section-size(option<u32>), "
    f"HTTP-response-trailer-size({_FIELD_SIZE}), HTTP-response-transfer-coding(option<string>), "
    "HTTP-response-content-coding(option<string>), HTTP-response-timeout, HTTP-upgrade-failed, "
    "HTTP-protocol-error, loop-detected, configuration-error, internal-error(option<string>) }"
)
"""The type, whose cases `OutboundError.code` names."""

_WITHOUT_DETAIL = frozenset(
    {
        "HTTP-request-body-size",
        "HTTP-request-header-section-size",
        "HTTP-request-header-size",
        "HTTP-response-header-section-size",
        "HTTP-response-body-size",
    }
)
"""Cases with an optional payload, which is left out: the sentence for people goes to the log."""


def error_code(error: OutboundError) -> JsonValue:
    """Return the canonical ``error-code`` of an error."""
    name = snake_name(error.code)
    match error.code:
        case "DNS-error":
            return {name: {"rcode": error.message, "info_code": None}}
        case "internal-error":
            return {name: error.message}
        case _ if error.code in _WITHOUT_DETAIL:
            return {name: None}
        case _:
            return name
