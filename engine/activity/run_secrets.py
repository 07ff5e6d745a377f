"""The secrets of one run: the guest holds placeholders, and requests that may carry a secret get it on their way out.

Source:
    Obelisk reference, section 7.1. What is put into JSON and into URL-encoded bodies is escaped as the format asks,
    so that a secret with a quote in it cannot break out of its string; Obelisk puts it in as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote_plus

from engine.activity.http.messages import Header
from engine.activity.http.policy import SecretUse
from engine.activity.secret_values import SecretValue
from engine.deployment.spec import SecretLocation
from engine.errors import DeploymentError, OutboundInvalid

PLACEHOLDER_PREFIX = "OBELISK_SECRET_"
_RANDOM_BYTES = 32
_Escape = Callable[[str], str]


class RunSecrets:
    """Placeholders and what they stand for.

    Args:
        names: Secrets that the component's rules name.
        values: The operator's secrets.
        randomness: Gives as many random bytes as asked for.

    Raises:
        DeploymentError: If the operator has no secret of a name.
    """

    def __init__(
        self, names: Iterable[str], values: Mapping[str, SecretValue], randomness: Callable[[int], bytes]
    ) -> None:
        self._values: dict[str, tuple[str, SecretValue]] = {}
        for name in sorted(set(names)):
            if name not in values:
                raise DeploymentError(
                    f"allowed_host names the secret {name}, which the operator's file does not declare; add "
                    f'[secrets] {name} = {{ env = "VARIABLE" }} to it'
                )
            self._values[name] = (PLACEHOLDER_PREFIX + randomness(_RANDOM_BYTES).hex(), values[name])

    @property
    def environment(self) -> dict[str, str]:
        """What the guest sees of them: environment variables that hold the placeholders."""
        return {name: placeholder for name, (placeholder, _) in self._values.items()}

    def redact(self, text: str) -> str:
        """Return a text for people, with every secret in it taken out."""
        for name, (_, value) in self._values.items():
            secret = value.reveal()
            for form in {secret, quote(secret, safe=""), quote_plus(secret), _in_json(secret)}:
                if form and form in text:
                    text = text.replace(form, f"<secret {name}>")
        return text

    def has_any(self, uses: frozenset[SecretUse], location: SecretLocation) -> bool:
        """Tell whether anything may be replaced in a part of a request."""
        return any((name, location) in uses for name in self._values)

    def in_headers(self, headers: Iterable[Header], uses: frozenset[SecretUse]) -> tuple[Header, ...]:
        """Return a request's headers with the placeholders replaced that may be."""
        return tuple(
            (name, self._replace_octets(value, uses, SecretLocation.HEADERS, _as_it_is)) for name, value in headers
        )

    def in_query(self, query: str, uses: frozenset[SecretUse]) -> str:
        """Return a URL's query, replaced in its values only; a value without placeholder stays as it is spelt."""
        if not self.has_any(uses, SecretLocation.PARAMS):
            return query
        pairs = []
        for pair in query.split("&"):
            key, equals, value = pair.partition("=")
            plain = unquote_plus(value)
            replaced = self._replace(plain, uses, SecretLocation.PARAMS, _as_it_is)
            pairs.append(f"{key}{equals}{value if replaced == plain else quote(replaced, safe='')}")
        return "&".join(pairs)

    def in_body(self, body: bytes, content_type: str, uses: frozenset[SecretUse]) -> bytes:
        """Return a whole body with the placeholders replaced that may be, if its type is one of text."""
        escape = _escape_for(content_type)
        return body if escape is None else self._replace_octets(body, uses, SecretLocation.BODY, escape)

    def _replace_octets(
        self, octets: bytes, uses: frozenset[SecretUse], location: SecretLocation, escape: _Escape
    ) -> bytes:
        if PLACEHOLDER_PREFIX.encode() not in octets:
            return octets
        try:
            return self._replace(octets.decode(), uses, location, escape).encode()
        except UnicodeDecodeError:
            return octets

    def _replace(self, text: str, uses: frozenset[SecretUse], location: SecretLocation, escape: _Escape) -> str:
        for name, (placeholder, value) in self._values.items():
            if (name, location) in uses and placeholder in text:
                secret = value.reveal()
                if location is SecretLocation.HEADERS and not secret.isprintable():
                    raise OutboundInvalid(
                        "HTTP-request-header-size", f"the secret {name} holds characters that no header can hold"
                    )
                text = text.replace(placeholder, escape(secret))
        return text


def takes_secrets(content_type: str) -> bool:
    """Tell whether placeholders are replaced in bodies of a type."""
    return _escape_for(content_type) is not None


def _escape_for(content_type: str) -> _Escape | None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return quote_plus
    if kind == "application/json" or kind.endswith("+json"):
        return _in_json
    return _as_it_is if kind.startswith("text/") else None


def _as_it_is(text: str) -> str:
    return text


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
