"""Keys by which clients repeat a request without repeating its effect."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, UniqueConstraint


class IdempotencyKey(models.Model):
    """A request that started an execution, and which; kept for a day."""

    principal = models.TextField()
    """Whose key it is: a `Principal.key`. Two principals may use the same."""
    key = models.TextField()
    request_digest = models.CharField(max_length=64)
    """SHA-256 of what was asked for, as hex digits."""
    execution_id = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["principal", "key"], name="idempotency_key_unique")]
        indexes = [
            # Old ones are deleted as new ones come.
            Index(fields=["created_at"], name="idempotency_key_age"),
        ]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"
