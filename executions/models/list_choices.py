"""How people like to see the list of executions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import UniqueConstraint


class SavedView(models.Model):
    """A filter of the list that somebody gave a name."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.TextField()
    query = models.TextField(blank=True)
    """What stands behind the question mark of the address."""

    class Meta:
        constraints = [
            # Somebody's views, in their order.
            UniqueConstraint(fields=["user", "name"], name="saved_view_name"),
        ]

    def __str__(self) -> str:
        return self.name


class ListColumns(models.Model):
    """Which columns somebody wants beside those that are always there."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    columns = models.JSONField(default=list)
    """Keys of columns of the console; those that it does not know any more count as not there."""

    def __str__(self) -> str:
        return f"{self.user_id}: {', '.join(self.columns)}"
