"""Making, recognising and revoking tokens."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from engine.errors import EngineError
from executions.access.principals import Principal
from executions.access.scopes import Scope
from executions.models.api_token import MOST_NAME_CHARACTERS, ApiToken

_PREFIX_BYTES: Final = 5
_SECRET_BYTES: Final = 32
_FORM: Final = re.compile(r"obelisk_([0-9a-f]{10})_[A-Za-z0-9_-]{43}")
_NOTED_EVERY: Final = timedelta(minutes=1)
"""How far `ApiToken.last_used_at` may lag: a write a request would cost more than the request."""


class TokenRefused(EngineError):
    """A token that cannot be made or revoked; says why in one sentence."""


def issue_token(
    name: str,
    scopes: Iterable[Scope],
    *,
    created_by: int | None = None,
    lifetime: timedelta | None = None,
) -> tuple[ApiToken, str]:
    """Make a token and return its row with the token itself, which cannot be had again.

    Args:
        name: What it is for.
        scopes: What it allows; at least one.
        created_by: Id of the user who asked for it.
        lifetime: Until it expires; ``None`` for never.

    Raises:
        TokenRefused: If there is no name or no scope, or it would have expired already.
    """
    granted = [scope.value for scope in dict.fromkeys(scopes)]
    if not 0 < len(name.strip()) <= MOST_NAME_CHARACTERS:
        raise TokenRefused(f"a token needs a name of 1 to {MOST_NAME_CHARACTERS} characters that says what it is for")
    if not granted:
        raise TokenRefused(f"a token needs a scope; there are {', '.join(Scope)}")
    if lifetime is not None and lifetime <= timedelta():
        raise TokenRefused("a token must not have expired already; give it a lifetime of more than zero")
    prefix = secrets.token_hex(_PREFIX_BYTES)
    text = f"obelisk_{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    now = timezone.now()
    token = ApiToken.objects.create(
        name=name.strip(),
        prefix=prefix,
        digest=_digest(text),
        scopes=granted,
        created_by_id=created_by,
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
    )
    return token, text


def find_token(text: str, *, now: datetime | None = None) -> ApiToken | None:
    """Return the row of a token that may be used now, or ``None``; notes the use."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    now = now or timezone.now()
    token = ApiToken.objects.usable(now).filter(prefix=form[1]).first()
    # The row was found by the public part alone; what is secret is compared without telling how far it was right.
    if token is None or not hmac.compare_digest(token.digest, _digest(text)):
        return None
    if token.last_used_at is None or now - token.last_used_at >= _NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def revoke_token(prefix: str) -> ApiToken:
    """Revoke a token, from the next request on; one that is revoked already stays so.

    Raises:
        TokenRefused: If there is none with this prefix.
    """
    token = ApiToken.objects.filter(prefix=prefix).first()
    if token is None:
        raise TokenRefused(f"there is no token {prefix!r}; `manage.py token list` shows all")
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
    return token


def revoke_tokens_of(instance: Any, **_signal: Any) -> None:
    """Revoke the tokens that a person made, who is about to be deleted: nobody would answer for them."""
    ApiToken.objects.filter(created_by=instance.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())


def principal_of_token(token: ApiToken) -> Principal:
    """Return who shows a token."""
    return Principal(
        key=f"token:{token.pk}",
        name=f"token {token}",
        actor=f"token:{token.prefix} {token.name}",
        scopes=token.granted,
        user_id=token.created_by_id,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
