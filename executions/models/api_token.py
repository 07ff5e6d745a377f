"""Tokens with which programs use the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q

from executions.access.scopes import INSIGHTS, MEANINGS, Scope

MOST_NAME_CHARACTERS: Final = 100


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Questions about tokens."""

    def usable(self, now: datetime) -> ApiTokenQuerySet:
        """Those that are neither revoked nor expired, and whose maker, if a person, is active."""
        unexpired = self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now), revoked_at__isnull=True)
        return unexpired.exclude(created_by__is_active=False)


class ApiToken(models.Model):
    """A token that a program shows to the API. The token itself is kept nowhere, only what recognises it.

    Rows are never deleted, so that what a revoked token did can still be told apart.
    """

    name = models.CharField(max_length=MOST_NAME_CHARACTERS)
    """What it is for, for people."""
    prefix = models.CharField(max_length=16, unique=True)
    """The public part of the token, which finds its row."""
    digest = models.CharField(max_length=64)
    """SHA-256 of the whole token, as hex digits."""
    scopes = models.JSONField()
    """List of `Scope` values."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    """Null if a command made it."""
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    """Some moment ago at most a minute before its last use; null if it was never used."""
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        # What people may do and see by their groups; they stand here because a permission needs some model.
        permissions = [
            *((scope.codename, f"API: {meaning}") for scope, meaning in MEANINGS.items()),
            *((insight.codename, meaning.capitalize()) for insight, meaning in INSIGHTS.items()),
        ]
        constraints = [CheckConstraint(condition=~Q(name=""), name="api_token_has_a_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"

    @property
    def granted(self) -> frozenset[Scope]:
        """What it allows; scopes of another version of this program are left out."""
        known: set[Any] = set(Scope)
        return frozenset(Scope(scope) for scope in self.scopes if scope in known)
