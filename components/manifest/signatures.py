"""``verify``: who must have signed a webhook's requests. It is ours; Obelisk leaves that to the component."""

from __future__ import annotations

import re
from datetime import timedelta

from components.manifest.table_reader import TableReader
from engine.deployment.webhooks import HmacAlgorithm, HmacEncoding, HmacScheme, Provider, Verification

_SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TOLERANCE = timedelta(minutes=5)


def read_verification(reader: TableReader) -> Verification | None:
    """Read the ``verify`` table."""
    table = reader.table("verify")
    if table is None:
        return None
    if not table.has("provider"):
        table.refuse("provider", "is missing; known are " + ", ".join(f'"{provider}"' for provider in Provider))
    provider = table.choice("provider", Provider, default=Provider.HMAC)
    verification = Verification(
        provider=provider,
        secrets=_read_secrets(table),
        tolerance=table.duration("tolerance", default=_TOLERANCE),
        hmac=_read_hmac(table) if provider is Provider.HMAC else None,
    )
    if table.has("tolerance") and provider in (Provider.GITHUB, Provider.HMAC):
        table.warn("tolerance", f"has no effect: signatures of the provider {provider} carry no time")
    table.refuse_unknown_keys()
    return verification


def _read_secrets(table: TableReader) -> tuple[str, ...]:
    """Read ``secret``: a name, or the names of a rotation."""
    value = table.value("secret")
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not names or not all(isinstance(name, str) and _SECRET_NAME.fullmatch(name) for name in names):
        table.refuse(
            "secret",
            'must be the name of one of the operator\'s secrets, or a list of names such as ["HOOK_NEW", "HOOK_OLD"]',
        )
        return ()
    return tuple(str(name) for name in names)


def _read_hmac(table: TableReader) -> HmacScheme:
    return HmacScheme(
        header=_read_header(table, "header") or "",
        prefix=table.string("prefix") or "",
        algorithm=table.choice("algorithm", HmacAlgorithm, default=HmacAlgorithm.SHA256),
        encoding=table.choice("encoding", HmacEncoding, default=HmacEncoding.HEX),
        delivery_header=_read_header(table, "delivery_header") if table.has("delivery_header") else None,
    )


def _read_header(table: TableReader, key: str) -> str | None:
    name = table.required_string(key)
    if name and not _HEADER_NAME.fullmatch(name):
        table.refuse(key, f'is "{name}", which is no name of a header')
    return name.lower() or None
